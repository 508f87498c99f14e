"""Whether the page of a new post is live. `decision` and `asking` decide, `asker` asks."""
