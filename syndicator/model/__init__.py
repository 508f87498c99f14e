"""The values that flow through syndicator: frozen, without I/O."""
