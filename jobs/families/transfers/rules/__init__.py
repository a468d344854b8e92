"""From a record of a file to checked values; plain Python, in a child process too."""
