"""What does an organization cost that has nothing to do?

One worker of the product on all four queue groups, its organizations' queues empty, for some
seconds; beside it Dramatiq's own broker with a queue for each of a thousand organizations.
"""

import sys
import time
from dataclasses import dataclass
from functools import partial

from benchmarks.broker import DRAMATIQ, STOCK
from benchmarks.fairness import LOADS
from benchmarks.ground import Ground, Worker
from benchmarks.harness import Contender, Options, Report
from benchmarks.ours.worker import GROUPS, SETTINGS, Ours, command

SIZES = (100, 1_000, 10_000)
STOCK_QUEUES = 1_000
SETTLING_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Idling:
    """threads: of the process that runs jobs. cpu: percent of one core. commands: a second."""

    threads: int
    cpu: float
    commands: float


def run(ground: Ground, options: Options) -> Report:
    """Each size in turn, then stock; and what Redis remembers of an organization and of a job."""
    report = Report("idle", options)
    Ours(ground)
    seconds = options.pick(8, 5)
    stock = f"stock, {STOCK_QUEUES:,} queues"

    def ours(organizations: int) -> float:
        ground.flush()
        _load(ground, "visit", organizations)
        with ground.worker(*command(*GROUPS), **SETTINGS) as worker:
            return _told(report, _name(organizations), _idle(ground, worker, 10, seconds))

    def others() -> float:
        ground.flush()
        with ground.worker(*DRAMATIQ, STOCK, QUEUES=str(STOCK_QUEUES)) as worker:
            return _told(report, stock, _idle(ground, worker, 2 * STOCK_QUEUES, seconds))

    *fewer, most = (
        Contender(name=_name(size), measure=partial(ours, size), unit=UNIT) for size in SIZES
    )
    for one in fewer:
        report.measure(one, turn="1/1")
    report.alternate([most, Contender(name=stock, measure=others, unit=UNIT)])
    report.growth("commands over organizations", [_name(n) for n in SIZES])
    _bars(report)
    _memory(report, ground)
    return report


UNIT = "Redis commands/s"


def _name(organizations: int) -> str:
    return f"ours, {organizations:,} organizations"


def _bars(report: Report) -> None:
    most = _name(SIZES[-1])
    for row, what, bar, unit in (
        (f"{most}, threads", "threads", 24, ""),
        (f"{most}, CPU", "processor", 2, "%"),
        (most, "Redis commands", 20, "/s"),
    ):
        report.at_most(f"{what}, 10,000 organizations", report.median(row), bar, unit)


def _told(report: Report, name: str, found: Idling) -> float:
    report.add(f"{name}, threads", found.threads, "")
    report.add(f"{name}, CPU", found.cpu, "%")
    return found.commands


def _idle(ground: Ground, worker: Worker, threads: int, seconds: float) -> Idling:
    """Look at a worker that is up, and has nothing to do, for so long."""
    worker.wait(lambda: max(one.num_threads() for one in worker.processes()) >= threads)
    time.sleep(SETTLING_SECONDS)
    before = ground.redis.info("stats")["total_commands_processed"]
    cpu = worker.processor_seconds()
    began = time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    cpu = worker.processor_seconds() - cpu
    after = ground.redis.info("stats")["total_commands_processed"]
    return Idling(
        threads=max(one.num_threads() for one in worker.processes()),
        cpu=100 * cpu / took,
        commands=(after - before - 1) / took,
    )


def _memory(report: Report, ground: Ground) -> None:
    """Bytes of Redis for what waits, and for who has nothing waiting."""
    organizations, jobs = SIZES[-1], 10
    ground.flush()
    empty = _used(ground)
    _load(ground, "wait", organizations, jobs, 1)
    waiting = _used(ground) - empty
    report.add("Redis memory of a waiting job", waiting / organizations / jobs, "bytes")
    ground.flush()
    empty = _used(ground)
    _load(ground, "visit", organizations)
    report.add(
        "Redis memory of an idle organization", (_used(ground) - empty) / organizations, "bytes"
    )


def _used(ground: Ground) -> int:
    return int(ground.redis.info("memory")["used_memory"])


def _load(ground: Ground, verb: str, *numbers: float) -> None:
    ground.tool(sys.executable, "-m", LOADS, verb, *map(str, numbers))
