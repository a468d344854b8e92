"""The timeline of a job: what it did between its attempts."""

from datetime import UTC, datetime, timedelta

from jobs.admin.story import sentence, timeline
from jobs.models import Attempt, Job

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(minute: int) -> datetime:
    return BEGIN + timedelta(minutes=minute)


def attempt(number: int, begin: int, end: int, outcome: str) -> Attempt:
    return Attempt(number=number, started_at=at(begin), ended_at=at(end), outcome=outcome)


def kinds(attempts: list[Attempt], *, state: str, counted: int) -> list[str]:
    job = Job(state=state, attempt=counted, created_at=BEGIN, run_at=at(9))
    return [one.kind for one in timeline(job, attempts, at(10))]


def test_between_failures_it_backs_off() -> None:
    attempts = [attempt(1, 1, 2, "failed"), attempt(2, 3, 4, "succeeded")]

    told = kinds(attempts, state="succeeded", counted=2)

    assert told == ["waiting", "running", "backoff", "running"]


def test_until_a_person_retried_it_was_dead() -> None:
    attempts = [attempt(1, 1, 2, "failed"), attempt(1, 3, 4, "succeeded")]

    assert kinds(attempts, state="succeeded", counted=1)[2] == "dead"
    assert kinds(attempts[:1], state="queued", counted=0)[-1] == "dead"


def test_an_attempt_that_was_given_back_or_lost_is_no_death() -> None:
    for outcome in ("released", "lost"):
        attempts = [attempt(1, 1, 2, outcome), attempt(1, 3, 4, "succeeded")]

        assert kinds(attempts, state="succeeded", counted=1)[2] == "backoff", outcome
    assert kinds([attempt(1, 1, 2, "released")], state="queued", counted=0)[-1] == "backoff"


def test_a_job_that_its_workers_death_buried_was_dead_until_a_person_retried_it() -> None:
    attempts = [attempt(1, 1, 2, "lost"), attempt(1, 6, 7, "succeeded")]
    job = Job(state="succeeded", attempt=1, created_at=BEGIN, run_at=at(5), finished_at=at(7))

    parts = timeline(job, attempts, at(10), [at(5)])

    assert [one.kind for one in parts] == ["waiting", "running", "dead", "running"]


def test_a_success_after_a_replay_counts_the_attempts_before_it() -> None:
    attempts = [attempt(n, n, n + 1, "failed") for n in range(1, 4)]
    attempts.append(attempt(1, 6, 7, "succeeded"))
    job = Job(state="succeeded", attempt=1, created_at=BEGIN, run_at=at(5), finished_at=at(7))

    said = sentence(job, attempts, at(10), [at(5)])

    assert said == "Succeeded at attempt 1 after a person retried it (4 in all), 3 min ago."
