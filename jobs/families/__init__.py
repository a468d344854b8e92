"""The families of jobs: one package each, with its job types, their actors and the effect."""
