"""Jobs whose effects can be counted without the ledger, and jobs that do harm.

The tests enqueue them; only worker processes declare them (`actors`).
"""

import os
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from jobs.execution.job import Run
from jobs.job_types import JobType, Payload, Policy
from tenancy import changes
from tenancy.access import Permission
from tenancy.models import TimelineEntry

GROUP = "audit"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Work(Payload):
    """What to do.

    mission_id: where a row is written. path: the file that a send appends to, or that a wait waits
    for. seconds: how long it takes.
    """

    mission_id: int = 0
    path: str = ""
    seconds: float = 0


def write(run: Run[Work]) -> None:
    """An effect in the database: one row, told apart by job and attempt."""
    changes.create(
        TimelineEntry(
            organization_id=run.organization_id,
            mission_id=run.payload.mission_id,
            external_id=f"{run.job.ref.job_id}:{run.job.fence}",
            title=str(run.job.ref.job_id),
            starts_at=NOON,
        )
    )
    time.sleep(run.payload.seconds)


def send(run: Run[Work]) -> None:
    """An effect outside: one line in a file, with the id under which it goes out."""
    effect_id = run.begin_effect(uuid4().hex)
    with Path(run.payload.path).open("a") as file:
        file.write(f"{run.job.ref.job_id} {effect_id}\n")
    time.sleep(run.payload.seconds)


def wait(run: Run[Work]) -> None:
    """Write a row; the first attempt then waits for a file before it settles."""
    write(run)
    if run.job.fence == 1:
        while not Path(run.payload.path).exists():
            time.sleep(0.01)


def die_before_settling(run: Run[Work]) -> None:
    """Write a row; the first attempt then takes its process along."""
    write(run)
    if run.job.fence == 1:
        kill_worker(run)


def kill_worker(run: Run[Work]) -> None:
    """Take the process along, every time."""
    time.sleep(run.payload.seconds)
    os.kill(os.getpid(), signal.SIGKILL)


def spin(run: Run[Work]) -> None:
    """Run until interrupted."""
    while True:
        time.sleep(0.01)


def _job_type(perform: Any, **declaration: Any) -> JobType[Work]:
    policy = Policy(
        max_retries=5,
        backoff_base=timedelta(milliseconds=10),
        backoff_cap=timedelta(milliseconds=100),
        time_limit=timedelta(minutes=5),
    )
    return JobType(
        name=f"chaos.{perform.__name__}",
        group=GROUP,
        payload=Work,
        policy=policy,
        permission=Permission.MISSION_VIEW,
        perform=perform,
        **declaration,
    )


WRITE = _job_type(write)
SEND = _job_type(send, effect="outside")
WAIT = _job_type(wait)
DIE_BEFORE_SETTLING = _job_type(die_before_settling)
KILL_WORKER = _job_type(kill_worker, effect="outside")
SPIN = _job_type(spin, effect="outside")
ALL = (WRITE, SEND, WAIT, DIE_BEFORE_SETTLING, KILL_WORKER, SPIN)
