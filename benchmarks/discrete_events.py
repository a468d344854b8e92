"""A discrete-event run of worker slots over a queue: no threads, no clock, no Redis.

The fair queue is the model that the property tests hold the Lua scripts to; the waits before
retries come from the product's own `Policy.delay_before`.
"""

import heapq
import math
import random
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from benchmarks.fair_queue import Control, FairQueue, Key
from benchmarks.load_model import FAILING, Asked, run_time

CONSUMER = "all"


class Retries(Protocol):
    """What `jobs.job_types.Policy` says of retries."""

    @property
    def max_retries(self) -> int: ...

    def delay_before(self, retry: int) -> timedelta: ...


class Line(Protocol):
    """What a queue must do here; messages are numbers of jobs."""

    def put(self, now: int, job: int) -> None: ...

    def take(self, now: int, count: int) -> list[int]: ...

    def end(self, now: int, job: int, ran: int, delay: int | None) -> None:
        """The attempt is over; with a delay, another follows."""

    def next_due(self) -> float: ...


class Fair:
    """The queue of the product."""

    def __init__(self, asked: Sequence[Asked], controls: Mapping[int, Control]) -> None:
        self._queue = FairQueue()
        self._keys = [Key(f"org:{one.owner}", str(job)) for job, one in enumerate(asked)]
        self._kinds = [one.kind for one in asked]
        self._queue.control({f"org:{owner}": control for owner, control in controls.items()})

    def put(self, now: int, job: int) -> None:
        self._queue.now = now
        self._queue.enqueue([(self._keys[job], self._kinds[job])])

    def take(self, now: int, count: int) -> list[int]:
        self._queue.now = now
        return [int(key.id) for key, _ in self._queue.fetch(CONSUMER, count)]

    def end(self, now: int, job: int, ran: int, delay: int | None) -> None:
        self._queue.now = now
        if delay is None:
            self._queue.ack(CONSUMER, {self._keys[job]: ran})
        else:
            self._queue.retry(CONSUMER, {self._keys[job]: ran}, delay=delay)

    def next_due(self) -> float:
        return self._queue.next_due()


class Fifo:
    """One line for everybody, first come, first served."""

    def __init__(self) -> None:
        self._waiting: deque[int] = deque()
        self._due: list[tuple[int, int]] = []

    def put(self, now: int, job: int) -> None:
        self._waiting.append(job)

    def take(self, now: int, count: int) -> list[int]:
        while self._due and self._due[0][0] <= now:
            self._waiting.append(heapq.heappop(self._due)[1])
        return [self._waiting.popleft() for _ in range(min(count, len(self._waiting)))]

    def end(self, now: int, job: int, ran: int, delay: int | None) -> None:
        if delay is not None:
            heapq.heappush(self._due, (now + delay, job))

    def next_due(self) -> float:
        return self._due[0][0] if self._due else math.inf


class Simulation:
    """One load, run through one line; the same seed draws the same run times and failures."""

    def __init__(
        self, asked: Sequence[Asked], line: Line, *, slots: int, policy: Retries, seed: int
    ) -> None:
        self._asked, self._line, self._policy = asked, line, policy
        self._now, self._free = 0, slots
        self._seed = seed
        self._running: list[tuple[int, int, int, bool]] = []  # end, job, run time, failed
        self._due: dict[int, int] = {}
        self._attempts: dict[int, int] = defaultdict(int)
        self.waits: dict[int, list[int]] = defaultdict(list)
        """By organization: from the moment that a job was due until it started, each attempt."""

    def run(self) -> None:
        """Until no job is left."""
        random.seed(self._seed)  # the product's own jitter draws from the module
        coming = 0
        while True:
            arrival = self._asked[coming].at if coming < len(self._asked) else math.inf
            now = min(arrival, self._running[0][0] if self._running else math.inf)
            if self._free:
                now = min(now, max(self._line.next_due(), self._now))
            if now == math.inf:
                return
            self._now = int(now)
            while coming < len(self._asked) and self._asked[coming].at <= self._now:
                self._due[coming] = self._asked[coming].at
                self._line.put(self._now, coming)
                coming += 1
            while self._running and self._running[0][0] <= self._now:
                self._end(*heapq.heappop(self._running)[1:])
            self._start()

    def _start(self) -> None:
        while self._free and (jobs := self._line.take(self._now, self._free)):
            self._free -= len(jobs)
            for job in jobs:
                one = self._asked[job]
                self._attempts[job] += 1
                # By job and attempt, so that every line meets the same run times and failures.
                chance = random.Random(self._seed + job * 64 + self._attempts[job])
                ran, failed = run_time(chance, one.kind), chance.random() < FAILING
                self.waits[one.owner].append(self._now - self._due[job])
                heapq.heappush(self._running, (self._now + ran, job, ran, failed))

    def _end(self, job: int, ran: int, failed: bool) -> None:
        self._free += 1
        retry = self._attempts[job]
        if not failed or retry > self._policy.max_retries:
            self._line.end(self._now, job, ran, None)
            return
        delay = self._policy.delay_before(retry) // timedelta(microseconds=1)
        self._due[job] = self._now + delay
        self._line.end(self._now, job, ran, delay)
