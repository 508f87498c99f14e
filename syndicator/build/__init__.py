"""One run: from posts to feed files, step by step. Begin at `pipeline`."""
