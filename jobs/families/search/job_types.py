"""The job types of the family, with their policies and actors."""

from dataclasses import replace
from datetime import timedelta

from jobs.execution.job import Run
from jobs.families.search import perform, reconcile, reindex
from jobs.families.search import touch as touching
from jobs.families.search.backends import BackendUnavailable
from jobs.families.search.requests import (
    INDEX_BATCH,
    INDEX_ONE,
    RECONCILE,
    REINDEX,
    TOUCH,
    IndexBatch,
    IndexOne,
    Reconcile,
    Reindex,
    Touch,
)
from jobs.job_types import BreakerPolicy, Policy, job_type
from tenancy.access import Permission

SEARCH = Policy(
    max_retries=12,
    backoff_base=timedelta(seconds=1),
    backoff_cap=timedelta(minutes=10),
    time_limit=timedelta(minutes=2),
)
WHOLE_INDEX = replace(SEARCH, time_limit=timedelta(minutes=30))
BACKEND = BreakerPolicy(outages=(BackendUnavailable,))
"""One backend holds all indexes, so there is no destination."""


@job_type(
    INDEX_ONE["mission"],
    group="indexing",
    payload=IndexOne,
    policy=SEARCH,
    permission=Permission.MISSION_VIEW,
    effect="outside",
    discriminator=lambda payload: str(payload.version),
    breaker=BACKEND,
)
def index_mission(run: Run[IndexOne]) -> None:
    """Write a mission to the index as it stands now."""
    perform.index_one(run)


@job_type(
    INDEX_ONE["project"],
    group="indexing",
    payload=IndexOne,
    policy=SEARCH,
    permission=Permission.PROJECT_VIEW,
    effect="outside",
    discriminator=lambda payload: str(payload.version),
    breaker=BACKEND,
)
def index_project(run: Run[IndexOne]) -> None:
    """Write a project to the index as it stands now."""
    perform.index_one(run)


@job_type(
    INDEX_BATCH,
    group="backfill",
    payload=IndexBatch,
    policy=SEARCH,
    permission=Permission.MISSION_VIEW,
    effect="outside",
    discriminator=lambda payload: payload.stamp,
    breaker=BACKEND,
)
def index_batch(run: Run[IndexBatch]) -> None:
    """Write many documents to the index as they stand now."""
    perform.index_batch(run)


@job_type(
    TOUCH,
    group="backfill",
    payload=Touch,
    policy=SEARCH,
    permission=Permission.MISSION_VIEW,
    discriminator=lambda payload: f"{payload.change} {payload.after}",
)
def touch(run: Run[Touch]) -> None:
    """Count the missions that show what was changed, a step at a time."""
    touching.touch(run)


@job_type(
    REINDEX,
    group="backfill",
    payload=Reindex,
    policy=WHOLE_INDEX,
    permission=Permission.MISSION_VIEW,
    effect="outside",
    discriminator=lambda payload: str(payload.turn),
    breaker=BACKEND,
)
def reindex_organization(run: Run[Reindex]) -> None:
    """Fill a new index beside the one in use, a slice at a time, and swap."""
    reindex.perform(run)


@job_type(
    RECONCILE,
    group="backfill",
    payload=Reconcile,
    policy=WHOLE_INDEX,
    permission=Permission.MISSION_VIEW,
    effect="outside",
    discriminator=lambda payload: str(payload.slot),
    breaker=BACKEND,
)
def reconcile_organization(run: Run[Reconcile]) -> None:
    """Compare the index with the counter, and mend it."""
    reconcile.reconcile(run.organization_id, repair=True)
