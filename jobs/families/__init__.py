"""The families of jobs: one package each, its job types with their policies, their actors, the effect."""
