"""The command line: what an operator types. Begin at `commands`."""
