"""Where files go."""
