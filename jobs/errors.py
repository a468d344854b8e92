"""The errors of this app.

JobsError
├── ImpossibleDeclaration  a job type or policy that could never work; stops the import
├── UnknownJobType         nothing of that name is declared
├── PayloadInvalid         the payload does not fit the job type's schema
├── LeaseLost              an attempt settled under a fence that is no longer the job's
├── NotInState             an operator's action that the job's state does not allow
├── ControlRefused         a pause, limit, weight, rate or capacity that cannot be followed
├── QueueFull              as many jobs wait in the queue as may, and the job type refuses more
└── JobError               what an actor raises
    ├── RetryLater         it may work later; carries when
    └── Permanent          it cannot work however often it is tried; carries the reason
Cancelled                  somebody asked for the end of the job that runs; not to be caught

An actor may raise anything else too: it is retried, unless the policy lists it as permanent.
"""

from datetime import timedelta

from dramatiq.middleware import Interrupt


class JobsError(Exception):
    """Anything that this app raises."""


class ImpossibleDeclaration(JobsError):
    """A job type or policy that could never work."""


class UnknownJobType(JobsError):
    """No job type of this name is declared."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"No job type is called {name!r}. A worker of an older release may be meeting a newer "
            "job: deploy the workers, then retry it."
        )


class PayloadInvalid(JobsError):
    """The payload does not fit the schema of its job type."""

    def __init__(self, job_type: str, problem: str) -> None:
        self.job_type = job_type
        super().__init__(f"The payload of {job_type} does not fit its schema: {problem}")


class LeaseLost(JobsError):
    """The job was given to somebody else since; what this attempt did in the database is undone."""

    def __init__(self, job_id: object, fence: int) -> None:
        self.job_id = job_id
        self.fence = fence
        super().__init__(
            f"Job {job_id} is no longer held under fence {fence}: its lease ended and it was given "
            "to another worker, cancelled, or settled before."
        )


class NotInState(JobsError):
    """The job is not in a state from which this is possible."""


class ControlRefused(JobsError):
    """An operator's wish about a queue that cannot be followed; the text says what would be."""


class QueueFull(JobsError):
    """The organization's queue is as long as it may be, and this job type refuses to wait.

    Nothing was enqueued. Carries what the caller needs to decide: try again later, or ask less.
    """

    def __init__(
        self, *, organization_id: int, group: str, capacity: int, waiting: int, asked: int
    ) -> None:
        self.organization_id = organization_id
        self.group = group
        self.capacity = capacity
        self.waiting = waiting
        self.asked = asked
        super().__init__(
            f"{asked} more cannot wait in the queue {group} of organization {organization_id}: "
            f"its capacity is {capacity} and {waiting} wait. Nothing was enqueued. Try again when "
            "some have run; an operator raises the capacity with `manage.py queues capacity`."
        )


class JobError(JobsError):
    """What an actor raises to say how its attempt failed."""


class RetryLater(JobError):
    """The attempt failed and another may work.

    retry_after: how long to wait at least, or None to let the policy decide.
    """

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class Permanent(JobError):
    """No further attempt can work.

    reason: the dead letter's reason; a family may declare its own.
    """

    def __init__(self, message: str, *, reason: str = "permanent_error") -> None:
        self.reason = reason
        super().__init__(message)


class Cancelled(Interrupt):
    """Somebody asked for the end of the running job: its attempt ends here.

    No JobsError, nor any Exception: an actor that catches all errors must not catch this one.
    how: by which way it came.
    """

    def __init__(self, how: str = "It was interrupted by an exception in its actor.") -> None:
        self.how = how
        super().__init__(how)
