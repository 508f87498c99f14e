"""A folder of posts becomes feeds, and everyone who follows them hears of it."""
