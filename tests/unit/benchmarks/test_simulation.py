"""The simulation: every job runs, chance repeats itself, and the queue does what it is for."""

from datetime import timedelta

import pytest

from benchmarks.discrete_events import Fair, Fifo, Simulation
from benchmarks.fair_queue import Control
from benchmarks.load_model import SECOND, LoadModel
from jobs.job_types import Policy

MODEL = LoadModel(organizations=200, jobs=3_000, slots=4, utilization=0.8, seed=7)
ASKED = MODEL.draw()
LARGEST, SMALL = 0, range(100, 200)


def waits(line):
    policy = Policy(
        max_retries=3, backoff_base=timedelta(seconds=1), backoff_cap=timedelta(seconds=9)
    )
    simulation = Simulation(ASKED, line, slots=MODEL.slots, policy=policy, seed=7)
    simulation.run()
    return simulation.waits


def test_everybody_asks_and_the_largest_asks_most():
    sizes = [sum(one.owner == owner for one in ASKED) for owner in range(MODEL.organizations)]

    assert sum(sizes) == MODEL.jobs
    assert min(sizes) >= 1
    assert max(sizes) == sizes[LARGEST]


@pytest.mark.parametrize("line", [Fifo(), Fair(ASKED, {})], ids=["first come", "fair"])
def test_every_job_runs_and_some_run_again(line):
    attempts = sum(len(of_one) for of_one in waits(line).values())

    assert MODEL.jobs < attempts < MODEL.jobs * 1.1


def test_the_same_seed_gives_the_same_waits():
    assert waits(Fair(ASKED, {})) == waits(Fair(ASKED, {}))


def test_small_organizations_do_not_wait_for_the_largest():
    fair, first_come = waits(Fair(ASKED, {})), waits(Fifo())

    longest_fair = max(wait for owner in SMALL for wait in fair[owner])
    longest_first_come = max(wait for owner in SMALL for wait in first_come[owner])
    assert longest_fair < 3 * SECOND
    assert longest_first_come > 5 * longest_fair


def test_a_limit_makes_only_its_owner_wait_longer():
    free, limited = waits(Fair(ASKED, {})), waits(Fair(ASKED, {LARGEST: Control(limit=1)}))

    assert max(limited[LARGEST]) > max(free[LARGEST])
    assert max(limited[owner][0] for owner in SMALL) < 3 * SECOND
