"""One run, from posts to feed files, step by step. Start with `pipeline`."""
