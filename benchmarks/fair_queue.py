"""The queues of one group in plain Python: what the Lua scripts must agree with.

`tests/integration/jobs/broker/test_model.py` holds the scripts to it, operation by operation;
simulations run it where no Redis is large enough. It shares no code with `jobs.broker`. Times are
microseconds on a clock that its user moves (`now`); owners are named as in Redis (`org:7`).
"""

import heapq
import math
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

FIRST_ESTIMATE, LEAST, SHARE = 10_000, 100, 0.125
MOST_DUE = 8


class Key(NamedTuple):
    owner: str
    id: str


@dataclass(frozen=True, kw_only=True)
class Control:
    weight: float = 1.0
    limit: int = 0  # 0: none
    rate: float = 0.0  # a second; 0: none
    burst: int = 0  # 0: as many as a second brings, or 1
    is_paused: bool = False

    @property
    def interval(self) -> float:
        return 1_000_000 / self.rate

    @property
    def slack(self) -> float:
        """How far ahead a bucket may be filled up and still give a token."""
        return ((self.burst or max(1, math.ceil(self.rate))) - 1) * self.interval


@dataclass(kw_only=True)
class Lease:
    ready: int
    charge: int
    fetched: int
    kind: str
    has_started: bool = False


class Sorted[Name: (str, Key)]:
    """A sorted set: names by score, then by name."""

    def __init__(self) -> None:
        self.score: dict[Name, float] = {}
        self._heap: list[tuple[float, Name]] = []  # holds what was replaced and removed, too

    def add(self, name: Name, score: float) -> None:
        self.score[name] = score
        heapq.heappush(self._heap, (score, name))

    def remove(self, name: Name) -> float | None:
        return self.score.pop(name, None)

    def first(self) -> tuple[float, Name] | None:
        while self._heap and self.score.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0] if self._heap else None

    def until(self, most: float, limit: int) -> list[tuple[float, Name]]:
        """Take out the first ones, up to a score."""
        taken: list[tuple[float, Name]] = []
        while len(taken) < limit and (first := self.first()) and first[0] <= most:
            taken.append(first)
            self.remove(first[1])
        return taken


@dataclass
class FairQueue:
    now: int = 0
    kinds: dict[Key, str] = field(default_factory=dict)  # every known message
    lost: dict[Key, int] = field(default_factory=lambda: defaultdict(int))
    lines: dict[str, Sorted[str]] = field(default_factory=lambda: defaultdict(Sorted[str]))
    due: Sorted[Key] = field(default_factory=Sorted)
    leases: dict[str, dict[Key, Lease]] = field(default_factory=lambda: defaultdict(dict))
    again: dict[Key, int] = field(default_factory=dict)
    ring: Sorted[str] = field(default_factory=Sorted)
    tags: Sorted[str] = field(default_factory=Sorted)
    owing: dict[str, float] = field(default_factory=dict)
    leased: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    means: dict[str, float] = field(default_factory=dict)
    controls: dict[str, Control] = field(default_factory=dict)
    full_at: dict[str, float] = field(default_factory=dict)  # buckets
    resting: Sorted[str] = field(default_factory=Sorted)
    stored_vtime: float = 0
    vtime: float = 0  # during one operation
    clock: int = 0
    _left: int = 0  # owners that left the ring, during one operation

    # Operations

    def enqueue(self, messages: Iterable[tuple[Key, str]], *, delay: int = 0) -> int:
        self._begin()
        new, touched = 0, set()
        for key, kind in messages:
            if key in self.kinds:
                self._mark(key, self.now + delay)
                continue
            self.kinds[key] = kind
            self._come_back(key, self.now + delay)
            touched.add(key.owner)
            new += 1
        self._finish(touched)
        return new

    def fetch(self, consumer: str, count: int) -> list[tuple[Key, int]]:
        self._begin()
        self._promote()
        taken: list[tuple[Key, int]] = []
        while len(taken) < count and (first := self.ring.first()):
            self.vtime = self.stored_vtime = first[0]
            key = self._lease_first(consumer, first[1])
            taken.append((key, self.lost[key]))
        self._finish(set())
        if not taken:
            self._forget_tags()
        return taken

    def ack(self, consumer: str, ran: dict[Key, int | None]) -> int:
        self._begin()
        held, touched = self._held(consumer, ran), set()
        for key in held:
            if self._control(key.owner).limit and key.owner in self.owing:
                touched.add(key.owner)
            self._pay_for_run(consumer, key, ran[key])
            if key in self.again:
                self._come_back(key, self.again.pop(key))
                touched.add(key.owner)
            else:
                self._forget(key)
        self._finish(touched)
        return len(held)

    def retry(self, consumer: str, ran: dict[Key, int | None], *, delay: int = 0) -> int:
        self._begin()
        held = self._held(consumer, ran)
        for key in held:
            self._pay_for_run(consumer, key, ran[key])
            self._come_back(key, min(self.now + delay, self.again.pop(key, math.inf)))
        self._finish({key.owner for key in held})
        return len(held)

    def release(self, consumer: str, keys: Iterable[Key]) -> int:
        self._begin()
        held = self._held(consumer, keys)
        for key in held:
            lease = self._pay(consumer, key, 0)
            control = self._control(key.owner)
            if control.rate:
                self.full_at[key.owner] = self._full_at(key.owner) - control.interval
            self.again.pop(key, None)
            self.lines[key.owner].add(key.id, lease.ready)
        self._finish({key.owner for key in held})
        return len(held)

    def heartbeat(self, consumer: str, running: Iterable[Key]) -> None:
        for key in self._held(consumer, running):
            self.leases[consumer][key].has_started = True

    def reap(self, consumer: str, *, last_heard: int) -> dict[Key, int]:
        self._begin()
        gone = list(self.leases[consumer])
        for key in gone:
            lease = self.leases[consumer][key]
            ran = max(0, last_heard - lease.fetched)
            cost = self._price(key.owner, ran) if lease.has_started else lease.charge
            self._pay(consumer, key, cost)
            self.again.pop(key, None)
            is_suspect = lease.has_started or self.lost[key]
            ready = self._arrive() if is_suspect else lease.ready
            self.lines[key.owner].add(key.id, ready)
            self.lost[key] += 1
        self._finish({key.owner for key in gone})
        return {key: self.lost[key] for key in gone}

    def remove(self, keys: Collection[Key]) -> set[str]:
        self._begin()
        gone = [
            key
            for key in keys
            if self.lines[key.owner].remove(key.id) is not None or self.due.remove(key) is not None
        ]
        for key in gone:
            self._forget(key)
        for key in keys:
            self.again.pop(key, None)
        self._finish({key.owner for key in gone})
        return {key.id for key in gone}

    def control(self, controls: dict[str, Control]) -> None:
        self._begin()
        for owner, control in controls.items():
            before = self._control(owner)
            if (before.rate, before.burst) != (control.rate, control.burst):
                self.full_at.pop(owner, None)
                self.resting.remove(owner)
            self.controls[owner] = control
        self._finish(set(controls))

    def next_due(self) -> float:
        """When the first delayed message or token comes."""
        firsts = [self.due.first(), self.resting.first()]
        return min((first[0] for first in firsts if first), default=math.inf)

    # What they are made of

    def _begin(self) -> None:
        """Virtual time stands still during an operation, except that fetch moves it on."""
        self._left = 0
        first = self.ring.first()
        self.vtime = min(self.stored_vtime, first[0] if first else math.inf)

    def _finish(self, owners: set[str]) -> None:
        for owner in sorted(owners):
            self._align(owner)
        self.tags.until(self.vtime, 2 * self._left)

    def _promote(self) -> None:
        touched = set()
        for at, key in self.due.until(self.now, MOST_DUE):
            self.lines[key.owner].add(key.id, at)
            touched.add(key.owner)
        touched.update(owner for _, owner in self.resting.until(self.now, MOST_DUE))
        for owner in sorted(touched):
            self._align(owner)

    def _lease_first(self, consumer: str, owner: str) -> Key:
        first = self.lines[owner].first()
        assert first
        key = Key(owner, first[1])
        self.lines[owner].remove(key.id)
        kind, control = self.kinds[key], self._control(owner)
        charge = self._price(owner, self.means.get(kind, FIRST_ESTIMATE))
        self.leases[consumer][key] = Lease(
            ready=int(first[0]), charge=charge, fetched=self.now, kind=kind
        )
        self.leased[owner] += 1
        self.ring.add(owner, self.ring.score[owner] + charge)
        if control.rate:
            self.full_at[owner] = self._full_at(owner) + control.interval
        self._align(owner)
        return key

    def _forget_tags(self) -> None:
        if self.tags.score and not any(self.leased.values()):
            self.stored_vtime = max(self.vtime, *self.tags.score.values())
            self.tags = Sorted()

    def _held(self, consumer: str, keys: Iterable[Key]) -> list[Key]:
        return [key for key in keys if key in self.leases[consumer]]

    def _pay_for_run(self, consumer: str, key: Key, ran: int | None) -> None:
        lease = self.leases[consumer][key]
        if ran is None:
            self._pay(consumer, key, lease.charge)
            return
        known = self.means.get(lease.kind)
        self.means[lease.kind] = ran if known is None else known + (ran - known) * SHARE
        self._pay(consumer, key, self._price(key.owner, ran))

    def _pay(self, consumer: str, key: Key, cost: int) -> Lease:
        owner, lease = key.owner, self.leases[consumer].pop(key)
        more = cost - lease.charge
        self.leased[owner] -= 1
        if owner in self.ring.score:
            self.ring.add(owner, self.ring.score[owner] + more)
        elif owner in self.owing:
            self._keep_tag(owner, self.owing.pop(owner) + more)
        return lease

    def _price(self, owner: str, us: float) -> int:
        return max(1, math.floor(max(us, LEAST) / self._control(owner).weight + 0.5))

    def _mark(self, key: Key, at: int) -> None:
        is_leased = key.id not in self.lines[key.owner].score and key not in self.due.score
        if is_leased and key.owner != "plain":
            self.again[key] = min(at, self.again.get(key, at))

    def _come_back(self, key: Key, at: float) -> None:
        if at > self.now:
            self.due.add(key, at)
        else:
            self.lines[key.owner].add(key.id, self._arrive())

    def _arrive(self) -> int:
        self.clock = max(self.now, self.clock + 1)
        return self.clock

    def _forget(self, key: Key) -> None:
        del self.kinds[key]
        self.lost.pop(key, None)

    def _control(self, owner: str) -> Control:
        return self.controls.get(owner, Control())

    def _full_at(self, owner: str) -> float:
        return max(self.now, self.full_at.get(owner, 0))

    def _may_take(self, owner: str) -> tuple[bool, float | None]:
        control = self._control(owner)
        if control.is_paused or 0 < control.limit <= self.leased[owner]:
            return False, None
        if control.rate and (at := self._full_at(owner) - control.slack) > self.now:
            return False, math.ceil(at)
        return True, None

    def _align(self, owner: str) -> None:
        may, token_at = self._may_take(owner) if self.lines[owner].first() else (False, None)
        self.resting.remove(owner)
        if token_at is not None:
            self.resting.add(owner, token_at)
        if may and owner not in self.ring.score:
            tag = self.owing.pop(owner, None)
            tag = self.tags.remove(owner) if tag is None else tag
            self.ring.add(owner, max(self.vtime, tag or 0))
        elif not may and (tag := self.ring.remove(owner)) is not None:
            self._keep_tag(owner, tag)

    def _keep_tag(self, owner: str, tag: float) -> None:
        if self.leased[owner]:
            self.owing[owner] = tag
            return
        self._left += 1
        if tag > self.vtime:
            self.tags.add(owner, tag)
