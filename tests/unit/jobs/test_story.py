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


def running(**more: object) -> Job:
    return Job(
        state="running", attempt=2, max_attempts=3, created_at=BEGIN, run_at=BEGIN,
        claimed_at=at(4), **more,
    )  # fmt: skip


def test_a_running_job_says_since_when() -> None:
    assert sentence(running(started_at=at(5)), [], at(10)) == "Attempt 2 of 3 began 5 min ago."


def test_one_whose_start_its_worker_has_not_told_yet_says_since_when_it_is_there() -> None:
    said = sentence(running(), [], at(10))

    assert said == "Attempt 2 of 3 is with a worker, which took it 6 min ago."


def test_a_running_job_says_that_somebody_asked_it_to_end() -> None:
    job = running(started_at=at(5), cancel_requested_at=at(9))

    assert sentence(job, [], at(10)).endswith("began 5 min ago. Somebody asked it to end.")


def test_the_attempt_that_is_under_way_lasts_until_now() -> None:
    job = running(started_at=at(5))
    attempts = [attempt(1, 1, 2, "failed"), Attempt.under_way(job)]

    told = timeline(job, attempts, at(10))

    assert [one.kind for one in told] == ["waiting", "running", "backoff", "running"]
    assert (told[-1].begin, told[-1].end, told[-1].attempt) == (at(5), at(10), 2)


def test_the_attempt_that_is_under_way_began_with_its_claim_until_its_worker_tells() -> None:
    assert Attempt.under_way(running()).started_at == at(4)
