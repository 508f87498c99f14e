"""Dates, URIs and slugs as Ruby's libraries and Jekyll's `Utils` handle them. Does no I/O."""
