"""Jekyll's rules: from a document's front matter to a rendered entry. Does no I/O."""
