"""What people do to jobs that wait and to their queues; permitted, audited, with a reason."""

from jobs.control.jobs import cancel

__all__ = ["cancel"]
