"""Dates, addresses and slugs as Ruby's libraries and Jekyll's `Utils` make them."""
