"""What is served: the feeds as prepared answers, the hub's endpoint, health and numbers. Async only here."""
