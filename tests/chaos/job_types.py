"""Jobs whose effects can be counted without the ledger, and jobs that do harm.

The drills enqueue them; only worker processes declare them (`actors`).
"""

import os
import signal
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from django.db import connection
from pydantic import model_validator

from jobs.errors import RetryLater
from jobs.execution.job import Run
from jobs.job_types import JobType, Payload, Policy
from tenancy import changes
from tenancy.access import Permission
from tenancy.models import TimelineEntry
from tests.chaos import dying

GROUP = "audit"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Work(Payload):
    """What to do.

    mission_id: where a row is written. url: where a send goes. path: the file that a wait waits
    for. seconds: how long it takes. failures: how many attempts fail first.
    """

    mission_id: int = 0
    url: str = ""
    path: str = ""
    seconds: float = 0
    failures: int = 0

    @model_validator(mode="after")
    def _read(self) -> Self:
        """A worker reads a payload after the claim and before the run."""
        dying.here("run")
        return self


def write(run: Run[Work]) -> None:
    """An effect in the database: a row of the domain with its audit event, and one of the drill's
    own that no constraint protects."""
    _fail_at_first(run)
    job = str(run.job.ref.job_id)
    changes.create(
        TimelineEntry(
            organization_id=run.organization_id,
            mission_id=run.payload.mission_id,
            external_id=f"{job}:{run.job.fence}",
            title=job,
            starts_at=NOON,
        )
    )
    with connection.cursor() as cursor:
        statement = "INSERT INTO drill.effect (job, fence) VALUES (%s, %s)"
        cursor.execute(statement, [job, run.job.fence])
    time.sleep(run.payload.seconds)
    dying.here("settle")


def send(run: Run[Work]) -> None:
    """An effect outside: a request, with the id under which it goes out."""
    note_start(run)
    _fail_at_first(run)
    effect_id = run.begin_effect(uuid4().hex)
    request = urllib.request.Request(
        run.payload.url,
        data=str(run.job.ref.job_id).encode(),
        headers={"webhook-id": effect_id},
        method="POST",
    )
    urllib.request.urlopen(request, timeout=30).close()
    time.sleep(run.payload.seconds)
    dying.here("confirm")


def wait(run: Run[Work]) -> None:
    """Write a row; the first attempt waits for a file before it does.

    Before, because a change locks the counter of its mission's document until it is committed: one
    that was written by a process that stands still would keep every other attempt waiting.
    """
    if run.job.fence == 1:
        while not Path(run.payload.path).exists():
            time.sleep(0.01)
    write(run)


def note(run: Run[Work]) -> None:
    """Note that it started, and take its time."""
    note_start(run)
    time.sleep(run.payload.seconds)
    _fail_at_first(run)


def kill_worker(run: Run[Work]) -> None:
    """Take the process along, every time."""
    note_start(run)
    time.sleep(run.payload.seconds)
    os.kill(os.getpid(), signal.SIGKILL)


def spin(run: Run[Work]) -> None:
    """Run until interrupted."""
    note_start(run)
    while True:
        time.sleep(0.01)


def note_start(run: Run[Work]) -> None:
    """In a transaction of its own: a start counts whatever becomes of it."""
    with run.transaction(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO drill.start (job, fence, organization) VALUES (%s, %s, %s)",
            [str(run.job.ref.job_id), run.job.fence, run.organization_id],
        )


def _fail_at_first(run: Run[Work]) -> None:
    if run.job.attempt <= run.payload.failures:
        raise RetryLater(f"attempt {run.job.attempt} fails, as it was told to")


def _job_type(perform: Any, name: str = "", **declaration: Any) -> JobType[Work]:
    policy = Policy(
        max_retries=20,
        backoff_base=timedelta(milliseconds=10),
        backoff_cap=timedelta(milliseconds=100),
        time_limit=timedelta(minutes=5),
    )
    return JobType(
        **{
            "name": f"chaos.{name or perform.__name__}",
            "group": GROUP,
            "payload": Work,
            "policy": policy,
            "permission": Permission.MISSION_VIEW,
            "perform": perform,
        }
        | declaration
    )


WRITE = _job_type(write)
SEND = _job_type(send, effect="outside")
WAIT = _job_type(wait)
NOTE = _job_type(note, effect="outside")
NOTES = tuple(_job_type(note, f"note_{name}", effect="outside") for name in "abcdefgh")
"""Job types that do the same, for one who hopes to get more by having many."""
KILL_WORKER = _job_type(kill_worker, effect="outside")
SPIN = _job_type(spin, effect="outside")
ALL = (WRITE, SEND, WAIT, NOTE, *NOTES, KILL_WORKER, SPIN)
