"""One pass over the outbox: claims jobs, sends their requests, records outcomes. See `worker`."""
