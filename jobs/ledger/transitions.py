"""The arrows between the states of `states`: one function each, and nothing else writes the column.

All run in the caller's transaction and scope. Those that an attempt takes are guarded by its fence
and raise `LeaseLost` when it is no longer the job's own, so that whatever else the transaction
holds is undone. Those that a person takes move many jobs at once and return the ones that moved.
"""

import json
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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
    wait_seconds: from the moment it was due to its claim. began: when it started, by this process's
    monotonic clock; None until it has. What is written of it is a duration: clocks may differ.
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
    wait_seconds: float
    began: float | None = None

    @property
    def organization_id(self) -> int:
        """Whose job it is."""
        return self.ref.organization_id

    @property
    def attempts_left(self) -> int:
        """How many attempts may follow this one."""
        return self.max_attempts - self.attempt

    @property
    def fenced(self) -> tuple[JobRef, int]:
        """Names this claim: a worker may have two of one job, of which one is lost."""
        return self.ref, self.fence

    @property
    def ran(self) -> timedelta:
        """How long it has been running by now."""
        began = self.began
        return timedelta(0) if began is None else timedelta(seconds=time.monotonic() - began)


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
    jobs: Sequence[JobRef],
    *,
    worker_id: str,
    lease: timedelta,
    suspects: bool = True,
    in_hand: Iterable[JobRef] = (),
) -> list[ClaimAnswer]:
    """Move waiting jobs to `running`; `lock.sql`, `claim.sql`.

    A job that is finished, held by a live claim or not yet due is left alone, and the answer says
    which; only the message of a finished one may be acknowledged without running it. The fence
    guards: settling with an older one raises `LeaseLost`. A crash after this costs one lease, never
    a job.

    suspects: whether to take over jobs whose worker died, too. They start at once: dying of one
    counts as a loss. in_hand: what this worker has claimed and not ended.
    """
    return claim_answers(
        flush(*claiming(jobs, worker_id=worker_id, lease=lease, suspects=suspects, in_hand=in_hand))
    )


def claiming(
    jobs: Sequence[JobRef],
    *,
    worker_id: str,
    lease: timedelta,
    suspects: bool,
    in_hand: Iterable[JobRef],
) -> list[Statement]:
    """The statements of `claim`, to go in one trip with others."""
    pairs = _pairs(jobs)
    given = {
        "worker_id": worker_id,
        "lease": lease,
        "suspects": suspects,
        "in_hand": [ref.job_id for ref in in_hand],
    }
    return [statement("lock", pairs), statement("claim", {**pairs, **given})]


def claim_answers(answers: Mapping[str, Rows]) -> list[ClaimAnswer]:
    """What they answered, one for each pair that was asked for."""
    return [_claim_answer(row) for row in answers["jobs.claim"]]


def settle(job: Claimed) -> None:
    """running → succeeded: the completion marker; `settle.sql`. Raises LeaseLost."""
    with guarded(job):
        flush(settling(job))


def settling(job: Claimed) -> Statement:
    """The statement of `settle`."""
    return statement("settle", _fenced(job) | {"ran": job.ran})


def settling_many(jobs: Sequence[Claimed]) -> Statement:
    """The statement that settles, of these, those whose fence holds and that nobody has locked."""
    return statement(
        "settle_many", _triples(jobs) | {"ran": [job.ran.total_seconds() for job in jobs]}
    )


def settled_many(
    answers: Mapping[str, Rows],
) -> tuple[set[tuple[JobRef, int]], set[tuple[JobRef, int]]]:
    """Those that it settled and those that are locked, by `Claimed.fenced`; the others are lost."""
    settled: set[tuple[JobRef, int]] = set()
    locked: set[tuple[JobRef, int]] = set()
    for row in answers["jobs.settle_many"]:
        (settled if row["is_settled"] else locked).add((_ref(row), row["fence"]))
    return settled, locked


def keeping(job: Claimed) -> Statement:
    """The statement with which a transaction ends that only a live attempt may commit."""
    return statement("keep", _fenced(job))


def begin_effect(job: Claimed, effect_id: str) -> str:
    """Note an outside effect before it happens; returns its id, the same on every attempt.

    Raises LeaseLost. The caller commits before it acts.
    """
    row = _move("begin_effect", job, effect_id=effect_id)
    return str(row["effect_id"])


def retry(job: Claimed, *, delay: timedelta, failure: Failure) -> None:
    """running → retrying, due after `delay`; `retry.sql`. Raises LeaseLost."""
    _move("retry", job, ran=job.ran, delay=delay, **_columns(failure))


def bury(job: Claimed, *, reason: str, failure: Failure) -> None:
    """running → dead, with a dead letter; `bury.sql`. Raises LeaseLost."""
    fingerprint = failure.fingerprint(job_type=job.job_type, reason=reason)
    _move("bury", job, ran=job.ran, reason=reason, fingerprint=fingerprint, **_columns(failure))


def release(job: Claimed) -> None:
    """running → queued, uncounted: the attempt was broken off; `release.sql`. Raises LeaseLost."""
    _move("release", job, hold=None, ran=job.ran)


def hold(job: Claimed, why: Hold) -> None:
    """running → scheduled, uncounted, until `why` ends; `release.sql`. Raises LeaseLost.

    Its actor was not called: no attempt is told of.
    """
    _move("release", job, hold=why.value, ran=None)


def give_back(jobs: Sequence[Claimed]) -> list[JobRef]:
    """running → queued, uncounted, for what was claimed and did not start.

    Returns those that moved; the others somebody else has by now: the fence decides.
    """
    return [_ref(row) for row in run("give_back", _triples(jobs))]


def request_cancel(jobs: Iterable[JobRef]) -> list[tuple[JobRef, str]]:
    """Ask running jobs to end; returns those that run, with their groups.

    What comes of it: `stop`, or `settle` when that was quicker.
    """
    rows = run("request_cancel", _pairs(jobs))
    return [(_ref(row), row["queue_group"]) for row in rows]


def asking_whether_to_end(jobs: Iterable[JobRef], *, worker_id: str) -> Statement:
    """The statement that finds those of a worker's jobs that somebody wants to end."""
    given = {"job_ids": [ref.job_id for ref in jobs], "worker_id": worker_id}
    return statement("asked_to_end", given)


def asked_to_end(answers: Mapping[str, Rows]) -> list[JobRef]:
    """Those that it found."""
    return [_ref(row) for row in answers["jobs.asked_to_end"]]


def stop(job: Claimed, *, how: str) -> None:
    """running → cancelled, because somebody asked for it; `stop.sql`. Raises LeaseLost.

    how: the sentence that the ledger keeps. An effect that had begun is told of in it.
    """
    _move("stop", job, ran=job.ran, how=how)


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
    named = ("correlation_id", "actor_id", "effect_id", "effect_state", "wait_seconds")
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
