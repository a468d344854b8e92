"""From what an organization has to a file that it may download."""
