"""The arrows between the states of `states`: one function each, and nothing else writes the column.

All run in the caller's transaction and scope. Those that an attempt takes are guarded by its fence
and raise `LeaseLost` when it is no longer the job's own, so that whatever else the transaction
holds is undone. Those that a person takes move many jobs at once and return the ones that moved.
"""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal

from django.db import Error

from jobs.errors import LeaseLost
from jobs.ledger.failures import Failure
from jobs.ledger.publish import InLine
from jobs.ledger.statements import run, statement
from jobs.ledger.states import Hold
from tenancy.postgresql.flush import Rows, Statement, flush

RESTORE_WINDOW = timedelta(hours=24)
FENCE_LOST = "JB001"  # raised by jobs_held, in the database

Answer = Literal["claimed", "finished", "held", "not_due", "suspect", "unknown"]


@dataclass(frozen=True, kw_only=True, order=True)
class JobRef:
    """Names a job. Both must match: a job is found in its own organization or nowhere."""

    organization_id: int
    job_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A job in the hands of one worker, under one fence; everything an attempt needs to know.

    attempt: which one this is, from 1. losses: how many workers died under it in a row.
    effect_id, effect_state: the outside effect that an earlier attempt began, if any.
    wait_seconds: from the moment it was due to its start; 0 until it has started.
    is_cancelled: whether somebody had asked for its end before it started.
    """

    ref: JobRef
    fence: int
    attempt: int
    max_attempts: int
    losses: int
    job_type: str
    group: str
    payload: dict[str, Any]
    project_id: int | None
    entity: tuple[str, str]
    correlation_id: str
    actor_id: str
    effect_id: str
    effect_state: str
    wait_seconds: float = 0.0
    is_cancelled: bool = False

    @property
    def organization_id(self) -> int:
        """Whose job it is."""
        return self.ref.organization_id

    @property
    def attempts_left(self) -> int:
        """How many attempts may follow this one."""
        return self.max_attempts - self.attempt


@dataclass(frozen=True, kw_only=True)
class ClaimAnswer:
    """What became of the wish to run a job.

    claimed: it is yours. finished: acknowledge its message and do not run it. held: a live claim
    has it, come again after `delay`, when its lease is over unless it was kept. not_due: come again
    after `delay`. suspect: a worker died under it, and suspects were not asked for. unknown: no
    such job there.
    """

    ref: JobRef
    answer: Answer
    claimed: Claimed | None
    delay: timedelta


def claim(
    jobs: Sequence[JobRef], *, worker_id: str, lease: timedelta, suspects: bool = True
) -> list[ClaimAnswer]:
    """Move waiting jobs to `running`; `lock.sql`, `claim.sql`.

    A job that is finished, held by a live claim or not yet due is left alone, and the answer says
    which; only the message of a finished one may be acknowledged without running it. The fence
    guards: settling with an older one raises `LeaseLost`. A crash after this costs one lease, never
    a job, and counts no loss until the job has started.
    """
    answers = flush(*claiming(jobs, worker_id=worker_id, lease=lease, suspects=suspects))
    return claim_answers(answers)


def claiming(
    jobs: Sequence[JobRef], *, worker_id: str, lease: timedelta, suspects: bool = True
) -> list[Statement]:
    """The statements of `claim`, to go in one trip with others."""
    pairs = _pairs(jobs)
    given = {"worker_id": worker_id, "lease": lease, "suspects": suspects}
    return [statement("lock", pairs), statement("claim", {**pairs, **given})]


def claim_answers(answers: Mapping[str, Rows]) -> list[ClaimAnswer]:
    """What they answered, one for each pair that was asked for."""
    return [_claim_answer(row) for row in answers["jobs.claim"]]


def start(job: Claimed) -> Claimed:
    """running, and it begins now: opens the attempt; `start.sql`. Raises LeaseLost.

    Committed before the actor runs: if the worker dies of it, the next claim counts a loss.
    """
    with guarded(job):
        return started(job, flush(starting(job)))


def starting(job: Claimed) -> Statement:
    """The statement of `start`."""
    return statement("start", _fenced(job))


def started(job: Claimed, answers: Mapping[str, Rows]) -> Claimed:
    """The job as `starting` found it."""
    [row] = answers["jobs.start"]
    return _started(job, row)


def starting_many(jobs: Sequence[Claimed]) -> Statement:
    """The statement that starts, of these, those whose fence holds and that nobody has locked."""
    return statement("start_many", _triples(jobs))


def started_many(
    jobs: Sequence[Claimed], answers: Mapping[str, Rows]
) -> dict[tuple[JobRef, int], Claimed]:
    """Those that it started, by `fenced`; `start` says about each of the others what there is."""
    found = {(_ref(row), row["fence"]): row for row in answers["jobs.start_many"]}
    return {fenced(job): _started(job, found[fenced(job)]) for job in jobs if fenced(job) in found}


def fenced(job: Claimed) -> tuple[JobRef, int]:
    """Names one claim of a job: a worker may have two of them, of which one is lost."""
    return job.ref, job.fence


def settle(job: Claimed) -> None:
    """running → succeeded: the completion marker; `settle.sql`. Raises LeaseLost."""
    with guarded(job):
        flush(settling(job))


def settling(job: Claimed) -> Statement:
    """The statement of `settle`."""
    return statement("settle", _fenced(job))


def settling_many(jobs: Sequence[Claimed]) -> Statement:
    """The statement that settles, of these, those whose fence holds and that nobody has locked."""
    return statement("settle_many", _triples(jobs))


def settled_many(answers: Mapping[str, Rows]) -> set[tuple[JobRef, int]]:
    """Those that it settled, by `fenced`; `settle` says about each of the others what there is."""
    return {(_ref(row), row["fence"]) for row in answers["jobs.settle_many"]}


def begin_effect(job: Claimed, effect_id: str) -> str:
    """Note an outside effect before it happens; returns its id, the same on every attempt.

    Raises LeaseLost. The caller commits before it acts.
    """
    row = _move("begin_effect", job, effect_id=effect_id)
    return str(row["effect_id"])


def retry(job: Claimed, *, delay: timedelta, failure: Failure) -> None:
    """running → retrying, due after `delay`; `retry.sql`. Raises LeaseLost."""
    _move("retry", job, delay=delay, **_columns(failure))


def bury(job: Claimed, *, reason: str, failure: Failure) -> None:
    """running → dead, with a dead letter; `bury.sql`. Raises LeaseLost."""
    fingerprint = failure.fingerprint(job_type=job.job_type, reason=reason)
    _move("bury", job, reason=reason, fingerprint=fingerprint, **_columns(failure))


def release(job: Claimed) -> None:
    """running → queued, uncounted: the attempt did not happen; `release.sql`. Raises LeaseLost."""
    _move("release", job, hold=None)


def hold(job: Claimed, why: Hold) -> None:
    """running → scheduled, uncounted, until `why` ends; `release.sql`. Raises LeaseLost."""
    _move("release", job, hold=why.value)


def give_back(jobs: Iterable[JobRef], *, worker_id: str) -> list[JobRef]:
    """running → queued, for what this worker claimed and did not start; returns those that moved.

    The others it no longer has, or has started: their fence decides.
    """
    return [_ref(row) for row in run("give_back", {**_pairs(jobs), "worker_id": worker_id})]


def request_cancel(jobs: Iterable[JobRef]) -> list[tuple[JobRef, str]]:
    """Ask running jobs to end; returns those that run, with their groups.

    What comes of it: `stop`, or `settle` when that was quicker.
    """
    rows = run("request_cancel", _pairs(jobs))
    return [(_ref(row), row["queue_group"]) for row in rows]


def stop(job: Claimed, *, how: str) -> None:
    """running → cancelled, because somebody asked for it; `stop.sql`. Raises LeaseLost.

    how: the sentence that the ledger keeps. An effect that had begun is told of in it.
    """
    _move("stop", job, how=how)


def cancel(jobs: Iterable[JobRef], *, reason: str) -> list[tuple[JobRef, str]]:
    """scheduled, queued, retrying → cancelled; returns those that moved, with their groups."""
    rows = run("cancel", {**_pairs(jobs), "reason": reason})
    return [(_ref(row), row["queue_group"]) for row in rows]


def replay(jobs: Iterable[JobRef], *, handled_by: str, reason: str) -> list[InLine]:
    """dead → queued, with all attempts anew; returns those that moved, for `publish`."""
    rows = run("replay", {**_pairs(jobs), "handled_by": handled_by, "reason": reason})
    return [
        InLine(
            organization_id=row["organization_id"],
            job_id=row["id"],
            job_type=row["job_type"],
            group=row["queue_group"],
        )
        for row in rows
    ]


def discard(jobs: Iterable[JobRef], *, handled_by: str, reason: str) -> list[JobRef]:
    """dead → cancelled, reason `discarded`; returns those that moved."""
    rows = run("discard", {**_pairs(jobs), "handled_by": handled_by, "reason": reason})
    return [_ref(row) for row in rows]


def restore(jobs: Iterable[JobRef]) -> list[JobRef]:
    """cancelled by discard → dead, within RESTORE_WINDOW; returns those that moved."""
    return [_ref(row) for row in run("restore", {**_pairs(jobs), "window": RESTORE_WINDOW})]


@contextmanager
def guarded(job: Claimed) -> Iterator[None]:
    """Turn the refusal of `jobs_held` into LeaseLost."""
    try:
        yield
    except Error as error:
        if getattr(error.__cause__, "sqlstate", None) == FENCE_LOST:
            raise LeaseLost(job.ref.job_id, job.fence) from None
        raise


def _move(name: str, job: Claimed, **parameters: Any) -> dict[str, Any]:
    rows = run(name, _fenced(job) | parameters)
    if not rows:
        raise LeaseLost(job.ref.job_id, job.fence)
    return rows[0]


def _fenced(job: Claimed) -> dict[str, Any]:
    return {
        "organization_id": job.ref.organization_id,
        "job_id": job.ref.job_id,
        "fence": job.fence,
    }


def _claim_answer(row: dict[str, Any]) -> ClaimAnswer:
    ref = JobRef(organization_id=row["organization_id"], job_id=row["job_id"])
    answer: Answer = row["answer"]
    return ClaimAnswer(
        ref=ref,
        answer=answer,
        claimed=_claimed(ref, row) if answer == "claimed" else None,
        delay=timedelta(seconds=max(row["delay_seconds"] or 0, 0)),
    )


def _claimed(ref: JobRef, row: dict[str, Any]) -> Claimed:
    same = ("fence", "attempt", "max_attempts", "losses", "job_type", "project_id")
    named = ("correlation_id", "actor_id", "effect_id", "effect_state")
    return Claimed(
        ref=ref,
        group=row["queue_group"],
        payload=json.loads(row["payload"]),
        entity=(row["entity_type"], row["entity_id"]),
        **{name: row[name] for name in same + named},
    )


def _columns(failure: Failure) -> dict[str, str]:
    return {
        "error_class": failure.error_class,
        "error_message": failure.message,
        "error_frame": failure.frame,
        "traceback": failure.traceback,
        "traceback_digest": failure.digest,
    }


def _started(job: Claimed, row: Mapping[str, Any]) -> Claimed:
    return replace(job, wait_seconds=row["wait_seconds"], is_cancelled=row["is_cancelled"])


def _triples(jobs: Sequence[Claimed]) -> dict[str, list[Any]]:
    return {
        "organization_ids": [job.organization_id for job in jobs],
        "job_ids": [job.ref.job_id for job in jobs],
        "fences": [job.fence for job in jobs],
    }


def _pairs(jobs: Iterable[JobRef]) -> dict[str, list[Any]]:
    refs = sorted(set(jobs))
    return {
        "organization_ids": [ref.organization_id for ref in refs],
        "job_ids": [ref.job_id for ref in refs],
    }


def _ref(row: dict[str, Any]) -> JobRef:
    return JobRef(organization_id=row["organization_id"], job_id=row["id"])
