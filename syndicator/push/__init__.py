"""One pass over the outbox. Begin at `worker`."""
