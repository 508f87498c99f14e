"""A site that lives in a git repository: a clone, and a working tree of one whole commit."""
