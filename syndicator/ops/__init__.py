"""Answers for the operator: check (the posts), doctor (the machine), status, and disk space."""
