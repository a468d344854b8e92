"""How long after it was enqueued does a job start, on a worker that has nothing else to do?"""

import random
import statistics
import sys
from collections.abc import Sequence

from benchmarks.broker import BARE, DRAMATIQ, STOCK
from benchmarks.ground import Ground, Worker
from benchmarks.harness import Contender, Options, Report
from benchmarks.ours.worker import SETTINGS, Ours, command

FULL, BROKER, OTHER = "ours, full path with the ledger", "ours, broker alone", "stock"


def run(ground: Ground, options: Options) -> Report:
    """One job at a time after random pauses; the median of each turn, then p99 over all."""
    report, latency = Report("latency", options), Latency(ground, options)
    ours = Ours(ground)
    ours.seed()
    median = {"unit": "ms median"}
    report.alternate(
        [
            Contender(name=OTHER, measure=latency.stock, **median),
            Contender(name=BROKER, measure=latency.bare, **median),
            Contender(name=FULL, measure=latency.full, **median),
        ]
    )
    for name, waits in latency.waits.items():
        report.add(f"{name}, p99", _p99(waits), "ms", f"of {len(waits)} jobs")
    for name, most, most_p99 in ((BROKER, 5, 25), (FULL, 15, 60)):
        if name in report.rows:
            report.at_most(f"{name}, median", report.median(name), most, "ms")
            report.at_most(f"{name}, p99", _p99(latency.waits[name]), most_p99, "ms")
    return report


class Latency:
    """One turn of each, and all that was ever measured."""

    def __init__(self, ground: Ground, options: Options) -> None:
        self.ground = ground
        self.jobs = options.pick(120, 20)
        self.few = options.pick(12, 6)
        self.waits: dict[str, list[float]] = {}

    def stock(self) -> float:
        """Dramatiq with its own broker, whose idle consumer sleeps up to a second."""
        pauses = _pauses(self.few, 1.0, 2.5)
        return self._ask(OTHER, [*DRAMATIQ, STOCK], [sys.executable, "-m", STOCK], pauses)

    def bare(self) -> float:
        """Dramatiq with our broker."""
        pauses = _pauses(self.jobs, 0.05, 0.3)
        return self._ask(BROKER, [*DRAMATIQ, BARE], [sys.executable, "-m", BARE], pauses)

    def full(self) -> float:
        """From before the transaction that writes the job to the first line of its actor."""
        pauses = _pauses(self.jobs, 0.05, 0.3)
        driver = [sys.executable, "-m", "benchmarks.ours.drive"]
        return self._ask(FULL, command("backfill"), driver, pauses, **SETTINGS)

    def _ask(
        self,
        name: str,
        worker_command: Sequence[str],
        driver: Sequence[str],
        pauses: Sequence[float],
        **environment: str,
    ) -> float:
        self.ground.flush()
        with self.ground.worker(*worker_command, **environment) as worker:
            worker.wait(lambda: worker.has_said("ready for action") or is_quiet(worker))
            self.ground.tool(*driver, "ask", *map(str, pauses), **environment)
            worker.wait(lambda: len(worker.journal()) >= len(pauses))
            waits = [(line.started - line.asked) / 1e6 for line in worker.journal()]
        # The first one pays for connections and for what is loaded late, once in a worker's life.
        self.waits.setdefault(name, []).extend(waits[1:])
        return statistics.median(waits[1:])


def is_quiet(worker: Worker) -> bool:
    """With logs at warnings a worker says nothing: it is up once its threads are."""
    return max(one.num_threads() for one in worker.processes()) >= 10


def _pauses(jobs: int, shortest: float, longest: float) -> list[float]:
    chance = random.Random(jobs)
    return [round(chance.uniform(shortest, longest), 3) for _ in range(jobs + 1)]


def _p99(waits: Sequence[float]) -> float:
    return sorted(waits)[-1 - len(waits) // 100]
