"""A job that one worker lost and another one has."""

import pytest

from jobs.ledger.transitions import Claimed
from tests.factories.jobs import claim
from tests.integration.jobs.ledger.attempts import lost_job


@pytest.fixture
def lost(db: None) -> tuple[Claimed, Claimed | None]:
    """As the worker has it that fell silent, and as the one that took over."""
    job = lost_job()
    return job, claim(job.ref).claimed
