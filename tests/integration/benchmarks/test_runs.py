"""That the benchmarks measure what they say, in runs too small to say anything of speed."""

from collections.abc import Iterator

import pytest

from benchmarks.broker import drain, drain_stock
from benchmarks.fairness import Fairness
from benchmarks.ground import Ground
from benchmarks.harness import Options, Report, Unmeasured
from benchmarks.imports import Bench
from benchmarks.ours.worker import Ours
from benchmarks.records import Records

QUICK = Options(rounds=1, quick=True)


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    ground = Ground()
    yield ground
    ground.close()


def test_our_broker_is_drained_with_limits_on_every_organization(ground: Ground) -> None:
    assert drain(ground, 200, 50, controls=True) > 0
    assert ground.redis.dbsize() > 0  # the controls stay


def test_dramatiq_is_drained_beside_it(ground: Ground) -> None:
    assert drain_stock(ground, 50) > 0


def test_the_full_life_ends_with_every_job_succeeded_and_audited(ground: Ground) -> None:
    ours = Ours(ground, organizations=5)
    ours.seed()

    ours.drain("sql_effect", 20)
    ours.grow(50)

    with ground.superuser() as connection:
        finished = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE state = 'succeeded') FROM jobs_job"
            " WHERE job_type = 'bench.sql_effect'"
        ).fetchone()
        audited = connection.execute(
            "SELECT count(*) FROM audit_auditevent WHERE event LIKE '%mission.touched%'"
        ).fetchone()
    assert (finished, audited) == ((35, 35), (20,))  # 15 more were dropped: notices, indexing


def test_records_are_kept_for_what_dramatiq_runs(ground: Ground) -> None:
    records = Records(ground)
    records.seed()

    assert records.drain("effect", 10, kept=True) > 0


def test_worker_seconds_are_counted_by_organization(ground: Ground) -> None:
    fairness = Fairness(ground, QUICK)
    fairness.seconds = 1

    assert fairness.index() > 0


def test_a_worker_that_ends_is_said_to_have_ended(ground: Ground) -> None:
    with (
        ground.worker("sh", "-c", "echo no such module; exit 3") as worker,
        pytest.raises(Unmeasured, match="no such module"),
    ):
        worker.drain(1)


def test_a_file_is_imported_and_the_same_rows_are_copied() -> None:
    report, ground = Report("imports", QUICK), Ground()  # not one that was seeded

    try:
        Bench(ground, report).round(200, "1/1")
    finally:
        ground.close()

    assert not report.failures
    assert {"ours, the pass that commits, 200 rows", "bare COPY, 200 rows"} <= set(report.rows)
