"""A folder of posts becomes feeds, and everyone who follows them hears of it."""

__version__ = "0.1.0"
