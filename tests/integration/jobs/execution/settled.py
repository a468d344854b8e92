"""Jobs on their way to be settled, and those that are not to be."""

from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

from jobs.execution.settling import Settler
from jobs.ledger.transitions import Claimed
from tests.factories.jobs import claim, fall_silent, running_job, worker


def lost_job() -> Claimed:
    """One that somebody else has claimed meanwhile."""
    silent = worker()
    job = running_job(worker_id=silent)
    fall_silent(silent)
    claim(job.ref)
    return job


@contextmanager
def held(settler: Settler) -> Iterator[None]:
    """Its threads take what is left here once the block has ended."""
    line, settler._line = settler._line, SimpleQueue()
    yield
    while not settler._line.empty():
        line.put(settler._line.get())
    settler._line = line
