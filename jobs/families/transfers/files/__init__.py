"""Read a file of any quality; plain Python, in a child process only."""
