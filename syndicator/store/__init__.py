"""What is remembered. The schema stands on one page, and each module speaks for its own tables."""
