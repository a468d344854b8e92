"""Real worker processes, and what the world does to them."""
