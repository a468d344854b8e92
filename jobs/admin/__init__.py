"""The admin pages of this app."""

from jobs.admin import deadletters, deliveries, endpoints, jobs, recipients, workers

__all__ = ["deadletters", "deliveries", "endpoints", "jobs", "recipients", "workers"]
