"""The admin pages of this app."""

from jobs.admin import deadletters, jobs, workers

__all__ = ["deadletters", "jobs", "workers"]
