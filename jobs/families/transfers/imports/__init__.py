"""From a file that was uploaded to what it changed, and back."""
