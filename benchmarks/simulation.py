"""How long do organizations wait, by their size, when there are more than this machine can hold?

A discrete-event model: 100,000 organizations with a heavy-tailed load, the largest asking for all
they have at once. The fair queue without and with limits, and one first-come line for comparison.
Time is simulated, so nothing here depends on the machine; Redis, PostgreSQL and the network take
none. What it shows is the order in which work is done, not how fast.
"""

import os
import random
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import django

from benchmarks.discrete_events import Fair, Fifo, Line, Retries, Simulation
from benchmarks.fair_queue import Control
from benchmarks.ground import Ground
from benchmarks.harness import Options, Report, figure, say
from benchmarks.load_model import KINDS, SECOND, Asked, LoadModel

SEED = 1
SLOTS = 64  # worker threads: eight processes of eight
LIMIT = Control(limit=8, rate=50.0, burst=100)
TENTHS = 10
LARGEST = 10  # organizations, shown apart: nine tenths of all are too small to tell


@dataclass(frozen=True, kw_only=True)
class Group:
    """Organizations of about one size."""

    name: str
    waits: Sequence[int]  # µs

    def at(self, share: float) -> float:
        """The wait (s) that this share of the attempts did not exceed."""
        return self.waits[min(len(self.waits) - 1, int(len(self.waits) * share))] / SECOND


def run(ground: Ground, options: Options) -> Report:
    """One round: it is the same each time."""
    model = LoadModel(
        organizations=options.pick(100_000, 5_000),
        jobs=options.pick(400_000, 30_000),
        slots=SLOTS,
        utilization=0.9,
        seed=SEED,
    )
    asked, policy = model.draw(), _policy(ground)
    everybody = dict.fromkeys(range(model.organizations), LIMIT)
    lines: dict[str, Line] = {
        "first come": Fifo(),
        "fair": Fair(asked, {}),
        "fair with limits": Fair(asked, everybody),
    }
    report = Report("simulation", Options(rounds=1, quick=options.quick))
    found = {
        name: _groups(asked, _simulate(name, asked, line, policy)) for name, line in lines.items()
    }
    for name, groups in found.items():
        for group in groups:
            settings = f"median {figure(group.at(0.5))} s, longest {figure(group.at(1))} s"
            report.add(f"{name}: {group.name}", group.at(0.99), "s, p99 wait", settings)
    _bars(report, found)
    report.notes.append(
        f"{model.organizations:,} organizations, {model.jobs:,} jobs (the n-th largest has 1/n; "
        f"everybody one), {SLOTS} slots busy for {model.utilization:.0%} of "
        f"{model.horizon / SECOND:,.0f} s; {', '.join(KINDS)}; limits: {LIMIT.limit} at once, "
        f"{LIMIT.rate:g} a second"
    )
    return report


def _simulate(
    name: str, asked: Sequence[Asked], line: Line, policy: Retries
) -> Mapping[int, list[int]]:
    say(f"simulation: {name}")
    simulation = Simulation(asked, line, slots=SLOTS, policy=policy, seed=SEED)
    simulation.run()
    return simulation.waits


def _policy(ground: Ground) -> Retries:
    """The product's own, with the defaults of the search family."""
    os.environ |= ground.environment | {"DJANGO_SETTINGS_MODULE": "jobsite.settings"}
    django.setup()
    from jobs.job_types import Policy  # needs the settings

    return Policy(
        max_retries=12, backoff_base=timedelta(seconds=1), backoff_cap=timedelta(minutes=10)
    )


def _groups(asked: Sequence[Asked], waits: Mapping[int, list[int]]) -> list[Group]:
    """The largest, then all by tenths, the largest tenth first."""
    size: dict[int, int] = {}
    for one in asked:
        size[one.owner] = size.get(one.owner, 0) + 1
    by_size = random.Random(SEED).sample(sorted(size), len(size))  # equals in no order
    by_size.sort(key=lambda owner: -size[owner])
    tenth = len(by_size) // TENTHS
    parts = {f"the {LARGEST} largest": by_size[:LARGEST]} | {
        f"tenth {number + 1}": by_size[number * tenth : (number + 1) * tenth]
        for number in range(TENTHS)
    }
    return [
        Group(
            name=f"{name} ({figure(statistics.mean(size[owner] for owner in owners))} jobs each)",
            waits=sorted(wait for owner in owners for wait in waits[owner]),
        )
        for name, owners in parts.items()
    ]


def _bars(report: Report, found: Mapping[str, list[Group]]) -> None:
    """What the docs claim: the small ones do not wait for the large ones."""
    mean = sum(share * run for share, run in KINDS.values()) / SECOND
    for name in ("fair", "fair with limits"):
        smallest = found[name][-1].at(0.99)
        report.at_most(f"{name}: p99 wait of the smallest tenth", smallest, 3 * mean, "s")
    report.at_least(
        "first come waits longer, smallest tenth",
        found["first come"][-1].at(0.99) / max(found["fair"][-1].at(0.99), mean),
        10,
    )
