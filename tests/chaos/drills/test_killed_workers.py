"""Drills 1 and 4: processes are killed, at random moments and between two steps."""

from pathlib import Path
from uuid import UUID

import pytest
from dramatiq.cli import RET_KILLED

from tests.chaos import dying, job_types
from tests.waiting import eventually


@pytest.mark.drill("1", "kill -9 at random moments")
def test_workers_killed_at_random_moments(fleet, load, chance, is_long, drill):
    jobs, kills = (10_000, 50) if is_long else (300, 2)
    fleet.scheduler()
    workers = [fleet.worker(), fleet.worker()]

    with load.feeding(jobs):
        for _ in range(kills):
            victim = workers.pop(0)
            victim.wait_until_up()
            load.let_pass(chance.randrange(jobs // kills), most=jobs * 3 // 4)
            victim.kill()
            workers.append(fleet.worker())

    count = load.count()
    assert count.lost, "no kill met a job that ran"
    drill.says(f"{kills} kills: {count}")


@pytest.mark.drill("1r", "recovery after kill -9")
def test_a_job_of_a_killed_worker_runs_again_when_its_lease_is_over(
    world, fleet, load, is_long, drill
):
    for lease in (3, 30) if is_long else (2,):
        leases = {
            "JOBS_LEASE_SECONDS": str(lease),
            "JOBS_HEARTBEAT_SECONDS": str(max(1, lease // 3)),
        }
        [ref] = load.enqueue(job_types.WAIT, path="/nowhere")
        victim = fleet.worker(**leases)
        eventually(lambda: claims(world, ref), within=120)  # noqa: B023
        other = fleet.worker(**leases)
        other.wait_until_up()
        [[killed_at]] = world.ask("SELECT clock_timestamp()")
        victim.kill()
        load.oracle.wait_for_the_end()

        [[began_again]] = world.ask("SELECT at FROM drill.effect WHERE job = %s", str(ref.job_id))
        [[held_until]] = world.ask(
            "SELECT seen_at + %s * interval '1 second' FROM jobs_worker v JOIN jobs_attempt a"
            " ON a.worker_id = v.id WHERE a.job_id = %s AND a.error_class = 'WorkerLost'",
            lease,
            ref.job_id,
        )
        assert began_again >= held_until, "while the claim of the first worker was still live"
        seconds = (began_again - killed_at).total_seconds()
        drill.says(f"again after {seconds:.1f} s of a {lease} s lease")
        other.terminate()


def claims(world, ref) -> int:
    [[count]] = world.ask("SELECT fence FROM jobs_job WHERE id = %s", ref.job_id)
    return count


@pytest.mark.drill("4", "killed between two steps")
def test_processes_killed_between_two_steps(fleet, load, is_long, drill):
    rounds = 3 if is_long else 1
    for _ in range(rounds):
        callers = [dies_before_publishing(fleet, load, of) for of in load.missions[:1]]
        load.enqueue(job_types.WRITE, 60)
        load.enqueue(job_types.SEND, 60)
        victims = [dies_at(fleet, point) for point in dying.POINTS]
        for one in victims:
            # Its last line says so, too, and is lost where the reader of its lines stops first.
            assert one.wait() == RET_KILLED, one.log.read_text()
        for one in callers:
            one()

    fleet.scheduler()
    fleet.worker()
    count = load.count()
    assert count.lost
    assert count.repeats, "nobody died between an outside effect and its settling"
    drill.says(f"{(1 + len(dying.POINTS)) * rounds} deaths, each at its point: {count}")


def dies_at(fleet, point):
    return fleet.worker("audit", threads=8, **{dying.VARIABLE: point})


def dies_before_publishing(fleet, load, of):
    """Start a caller; call what is returned to wait for its death, and learn what it committed."""
    told: Path = fleet.folder / f"told-{load.number}"
    names = [f"caller-{load.number}-{n}" for n in range(10)]
    load.number += 1
    caller = fleet.start(
        "shell",
        "-c",
        "from tests.chaos.dying import enqueue_and_die;"
        f"enqueue_and_die({of.organization_id}, {of.pk}, names={names}, told={str(told)!r})",
    )

    def learn() -> None:
        assert caller.wait() == -9, caller.log.read_text()
        load.asked.update({UUID(one): "chaos.write" for one in told.read_text().split()})

    return learn
