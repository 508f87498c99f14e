"""The values that flow through syndicator. Frozen, without I/O."""
