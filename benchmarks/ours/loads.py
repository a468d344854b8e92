"""Loads of many organizations, for the benchmarks of fairness and of idling.

    visit ORGANIZATIONS                   one message through every queue of every group, none stays
    wait ORGANIZATIONS JOBS MS            so many jobs for each of them, so long on average
    weighted ORGANIZATIONS JOBS MS        the same, with weights 1, 2 and 4 in turn
    weigh ORGANIZATION WEIGHT             one weight
    pair MS JOBS WEIGHT MS JOBS WEIGHT    two organizations, 1 and 2
    tail ORGANIZATIONS SEED SECONDS       jobs as many and as long as a heavy tail has it
    trickle ORGANIZATION JOBS PAUSE MS    one job after each pause, told when it was asked for

The benchmarks know what was loaded from the same arguments. Organizations count from 1.
"""

import json
import random
import sys
import time
from collections.abc import Mapping
from uuid import uuid4

from benchmarks.ours.bare import GROUP, broker, enqueue, entry, work
from benchmarks.ours.worker import GROUPS
from benchmarks.tail import demands
from jobs.broker.messages import Control, Entry

CONSUMER = "visitor"
WEIGHTS = (1, 2, 4)


def visit(organizations: int) -> int:
    """Leave behind what an organization leaves that had work and has none now."""
    queues = broker.backend
    for group in GROUPS:
        enqueue(_visitor(group, number) for number in range(1, organizations + 1))
        while fetched := queues.fetch(group, CONSUMER, 50).messages:
            queues.ack(group, CONSUMER, [leased.key for leased in fetched])
        queues.leave(group, CONSUMER)
    return organizations


def _visitor(group: str, organization: int) -> Entry:
    return Entry(organization_id=organization, group=group, message_id=str(uuid4()), body=b"")


def wait(organizations: int, jobs: int, milliseconds: float) -> int:
    """As many for each of them, of uneven length, as real ones are."""
    chance = random.Random(1)
    return enqueue(
        entry(organization, work, organization, chance.uniform(0, 2 * milliseconds))
        for _ in range(jobs)
        for organization in range(1, organizations + 1)
    )


def weighted(organizations: int, jobs: int, milliseconds: float) -> int:
    """Each weight has a third of the organizations."""
    everybody = range(1, organizations + 1)
    _control({one: WEIGHTS[one % len(WEIGHTS)] for one in everybody})
    return wait(organizations, jobs, milliseconds)


def pair(*of: float) -> int:
    """Two organizations that differ in how long their jobs are, and in weight."""
    sides = {1: of[:3], 2: of[3:]}
    _control({number: side[2] for number, side in sides.items()})
    return sum(
        enqueue(entry(number, work, number, milliseconds) for _ in range(int(jobs)))
        for number, (milliseconds, jobs, _) in sides.items()
    )


def _control(weights: Mapping[int, float]) -> int:
    controls: dict[int | None, Control] = {
        organization: Control(weight=weight) for organization, weight in weights.items()
    }
    broker.backend.control(GROUP, controls, recovering=True)
    return len(controls)


def tail(organizations: int, seed: int, seconds: float) -> int:
    """What `benchmarks.tail` draws, in random order."""
    wanted = [
        (demand.organization, demand.milliseconds)
        for demand in demands(organizations, seed, seconds)
        for _ in range(demand.jobs)
    ]
    random.Random(seed).shuffle(wanted)
    return enqueue(entry(one, work, one, milliseconds) for one, milliseconds in wanted)


def trickle(organization: int, jobs: int, pause: float, milliseconds: float) -> int:
    """Somebody small, whom nobody must keep waiting."""
    for _ in range(jobs):
        time.sleep(pause)
        enqueue([entry(organization, work, organization, milliseconds, time.monotonic_ns())])
    return jobs


def main(verb: str, *rest: str) -> int:
    """One verb of the command line."""
    numbers = [float(number) for number in rest]
    match verb, numbers:
        case "visit", [organizations]:
            return visit(int(organizations))
        case "wait", [organizations, jobs, milliseconds]:
            return wait(int(organizations), int(jobs), milliseconds)
        case "weighted", [organizations, jobs, milliseconds]:
            return weighted(int(organizations), int(jobs), milliseconds)
        case "weigh", [organization, weight]:
            return _control({int(organization): weight})
        case "pair", [*sides]:
            return pair(*sides)
        case "tail", [organizations, seed, seconds]:
            return tail(int(organizations), int(seed), seconds)
        case "trickle", [organization, jobs, pause, milliseconds]:
            return trickle(int(organization), int(jobs), pause, milliseconds)
    raise SystemExit(__doc__)


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
