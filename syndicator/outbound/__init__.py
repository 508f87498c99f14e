"""HTTP requests to hubs and subscribers: timeouts, limits and allowed addresses."""
