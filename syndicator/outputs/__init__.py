"""Where files are written."""
