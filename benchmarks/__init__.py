"""Every figure this project quotes, reproducible with one command."""
