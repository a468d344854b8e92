"""Does one organization's load touch the others, and is what is shared worker time?

Plain actors on our broker, one worker of eight threads. Times are scaled down so that a turn takes
seconds: what counts are ratios of waits to job times, and shares.
"""

import sys
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AbstractContextManager

from benchmarks.broker import BARE, DRAMATIQ
from benchmarks.ground import Ground, Worker
from benchmarks.harness import Contender, Options, Report
from benchmarks.tail import demands, fair_shares, jain
from benchmarks.ticks import Line, read

LOADS = "benchmarks.ours.loads"
SMALL = 999_999_999  # who must not wait; its name comes last where two stand equal
JOB_MS = 25.0
# Twice a second, to be quicker. Beside a thousand it would still be more than an equal share, which
# is a job in three seconds; with this weight it is less.
PAUSE_SECONDS = 0.5
SMALL_WEIGHT = 10
WEIGHTS = (1, 2, 4)  # of the organizations whose number leaves 0, 1, 2 when divided by three
QUIET, ONE, MANY = (
    f"p99 wait of a small organization, {beside}"
    for beside in ("nobody else", "beside 100,000 jobs of one", "beside 1,000 noisy ones")
)
BY_WEIGHT = "1,000 organizations by weight, worst class"
EQUAL, WEIGHTED = "500 ms and 5 ms jobs, 1:1, worst share", "500 ms and 5 ms jobs, 3:1, worst share"
JAIN = "Jain index, 1,000 organizations, heavy tail"


def run(ground: Ground, options: Options) -> Report:
    """Waits beside noise, shares by weight, and one index over a thousand organizations."""
    report, fair = Report("fairness", options), Fairness(ground, options)
    backlog = options.pick(100_000, 10_000)
    report.alternate(
        [
            Contender(name=QUIET, unit="job times", measure=lambda: fair.wait(0, 0)),
            Contender(name=ONE, unit="job times", measure=lambda: fair.wait(1, backlog)),
            Contender(
                name=MANY, unit="job times", measure=lambda: fair.wait(1000, backlog // 1000)
            ),
            Contender(name=BY_WEIGHT, unit="% off", measure=fair.by_weight),
            Contender(name=EQUAL, unit="% off", measure=lambda: fair.pair(1)),
            Contender(name=WEIGHTED, unit="% off", measure=lambda: fair.pair(3)),
            Contender(name=JAIN, unit="", measure=fair.index),
        ]
    )
    median = report.median
    report.at_most("wait beside 100,000 jobs of one", median(ONE), 3, "job times")
    report.at_most("wait beside 1,000 noisy ones", median(MANY), 3, "job times")
    report.at_most("shares of 1,000 by weight", median(BY_WEIGHT), 10, "% off")
    report.at_most("worker seconds, long and short jobs, 1:1", median(EQUAL), 10, "% off")
    report.at_most("worker seconds, long and short jobs, 3:1", median(WEIGHTED), 10, "% off")
    report.at_least("Jain index of worker seconds", median(JAIN), 0.95, "")
    return report


class Fairness:
    """One turn of each question."""

    def __init__(self, ground: Ground, options: Options) -> None:
        self.ground = ground
        self.seconds = options.pick(9, 5)
        self.small_jobs = options.pick(24, 12)

    def wait(self, noisy: int, jobs_each: int) -> float:
        """p99 wait of the small organization's jobs, as a multiple of how long a job takes."""
        self._begin()
        if noisy:
            self._load("wait", noisy, jobs_each, JOB_MS)
        if noisy > 1:
            self._load("weigh", SMALL, SMALL_WEIGHT)
        with self._worker() as worker:
            worker.wait(lambda: worker.has_said("ready for action"))
            worker.drain(noisy + noisy // 2)  # until nobody waits any more for the first turn
            # One more, because the first pays for what a worker loads late.
            self._load("trickle", SMALL, self.small_jobs + 1, PAUSE_SECONDS, JOB_MS)
            worker.wait(lambda: len(_of(worker.journal(), SMALL)) > self.small_jobs)
            asked = sorted(_of(worker.journal(), SMALL), key=lambda line: line.asked)[1:]
        waits = sorted(line.started - line.asked for line in asked)
        return waits[-1 - len(waits) // 100] / 1e6 / JOB_MS

    def by_weight(self) -> float:
        """How far the worst of three classes is from its share of worker time, in percent."""
        self._begin()
        self._load("weighted", 1000, 8 * self.seconds, 4)
        received = self._received(after=self.seconds / 4)
        classes = [
            sum(seconds for number, seconds in received.items() if number % 3 == one)
            for one in range(3)
        ]
        return _worst(classes, WEIGHTS)

    def pair(self, weight: int) -> float:
        """How far long and short jobs are from the shares that their weights say, in percent."""
        self._begin()
        self._load("pair", 500, 20 * self.seconds, weight, 5, 1200 * self.seconds, 1)
        received = self._received(after=self.seconds / 6)
        return _worst([received[1], received[2]], (weight, 1))

    def index(self) -> float:
        """Jain's index of what each received of its max-min fair share."""
        self._begin()
        count, seed, most = 1000, 1, 4.0 * self.seconds * 8 / 1000
        self._load("tail", count, seed, most)
        received = self._received(after=0)
        wanted = [demand.seconds for demand in demands(count, seed, most)]
        got = [received[number] for number in range(1, count + 1)]
        fair = fair_shares(wanted, sum(got))
        return jain([mine / share for mine, share in zip(got, fair, strict=True)])

    def _received(self, *, after: float) -> dict[int, float]:
        """Worker seconds of each organization, from `after` seconds of work on."""
        with self._worker() as worker:
            worker.drain(1)
            begin = read(worker.folder).first + after
            end = begin + self.seconds
            worker.wait(lambda: read(worker.folder).last >= end)
            return _seconds(worker.journal(), begin, end)

    def _begin(self) -> None:
        self.ground.flush()

    def _load(self, verb: str, *numbers: float) -> None:
        self.ground.tool(sys.executable, "-m", LOADS, verb, *map(str, numbers))

    def _worker(self) -> AbstractContextManager[Worker]:
        return self.ground.worker(*DRAMATIQ, BARE)


def _of(lines: Sequence[Line], organization: int) -> list[Line]:
    return [line for line in lines if line.tag == organization]


def _seconds(lines: Sequence[Line], begin: float, end: float) -> dict[int, float]:
    received: dict[int, float] = defaultdict(float)
    for line in lines:
        overlap = min(line.ended / 1e9, end) - max(line.started / 1e9, begin)
        received[line.tag] += max(overlap, 0)
    return received


def _worst(received: Sequence[float], weights: Sequence[float]) -> float:
    total, all_weights = sum(received), sum(weights)
    return max(
        100 * abs(mine / total / (weight / all_weights) - 1)
        for mine, weight in zip(received, weights, strict=True)
    )
