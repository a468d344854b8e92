"""Two of everything at the same moment: one of them has it, and the others are told so."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest
from django.db import connection

from jobs.errors import LeaseLost
from jobs.ledger import transitions
from jobs.ledger.transitions import JobRef
from tests.factories import organization
from tests.factories.jobs import (
    at,
    claim,
    dead_job,
    fall_silent,
    queued_job,
    row,
    running_job,
    worker,
)

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS, AT_ONCE = 10, 4


def all_at_once[Result](acts: list[Callable[[], Result]]) -> list[Result]:
    """What each returns; they start together, each on a connection of its own."""
    start = Barrier(len(acts))

    def run(act: Callable[[], Result]) -> Result:
        try:
            connection.ensure_connection()
            start.wait()
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(run, acts))


def claims(ref: JobRef) -> list[str]:
    answers = all_at_once([partial(claim, ref, worker()) for _ in range(AT_ONCE)])
    return [answer.answer for answer in answers]


def test_a_waiting_job_is_claimed_once() -> None:
    for _ in range(ROUNDS):
        ref = queued_job()

        assert Counter(claims(ref)) == {"claimed": 1, "held": AT_ONCE - 1}
        assert (row(ref).fence, row(ref).attempt) == (1, 1)


def test_a_job_whose_worker_died_is_claimed_once_and_loses_one() -> None:
    for _ in range(ROUNDS):
        dead = worker()
        job = running_job(worker_id=dead)
        fall_silent(dead)

        assert Counter(claims(job.ref)) == {"claimed": 1, "held": AT_ONCE - 1}
        assert (row(job.ref).fence, row(job.ref).losses) == (2, 1)


def test_one_fence_settles_once() -> None:
    for _ in range(ROUNDS):
        job = running_job()

        def settled(job: transitions.Claimed = job) -> bool:
            try:
                with at(job.ref.organization_id):
                    transitions.settle(job)
            except LeaseLost:
                return False
            return True

        assert sorted(all_at_once([settled] * AT_ONCE)) == [False] * (AT_ONCE - 1) + [True]


def test_a_dead_job_is_replayed_or_discarded_and_not_both() -> None:
    for _ in range(ROUNDS):
        ref = dead_job(organization())

        def replay(ref: JobRef = ref) -> int:
            with at(ref.organization_id):
                return len(transitions.replay([ref], handled_by="user:1", reason="x"))

        def discard(ref: JobRef = ref) -> int:
            with at(ref.organization_id):
                return len(transitions.discard([ref], handled_by="user:1", reason="x"))

        assert sum(all_at_once([replay, discard, replay, discard])) == 1
        assert row(ref).state in ("queued", "cancelled")


def test_a_job_is_cancelled_or_claimed_and_not_both() -> None:
    for _ in range(ROUNDS):
        ref = queued_job()

        def cancel(ref: JobRef = ref) -> str:
            with at(ref.organization_id):
                return "cancelled" if transitions.cancel([ref], reason="cancelled") else "left"

        def take(ref: JobRef = ref, by: str = worker()) -> str:
            return claim(ref, by).answer

        assert all_at_once([cancel, take]) in (["cancelled", "finished"], ["left", "claimed"])
