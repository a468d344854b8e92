"""How long does each operation of the broker keep Valkey from everybody else, at its worst?

A step of it gets as many messages as it ever takes, each of another organization. All of these
have a weight, a limit of one and a rate that lets them rest after every message, so that each
message moves its organization out of the line or back into it; and what is due meanwhile is as much
as a fetch looks at.

A time is that of Valkey's own log of commands, and the median of many: on a busy machine a single
one holds whatever the machine gave to others meanwhile.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import batched, chain, count
from uuid import uuid4

from benchmarks.ground import Ground
from jobs.broker.messages import (
    Ack,
    Control,
    Disposition,
    Entry,
    Leased,
    MessageKey,
    Release,
    RetryAfter,
    Settlement,
)
from jobs.broker.queues import MOST_FETCHED, MOST_MOVED, MOST_READ, Queues

GROUP, FLUSHED = "operations", "operations-flushed"
REPEATS = 41
BODY = b"x" * 500
# The token of one who was served is back when the next fetch comes.
CONTROL = Control(weight=2, limit=1, rate=1000, burst=1)
PAUSE_SECONDS = 0.002
CONSUMERS = 200  # that hold leases: more than one has looked through for a message
HELD = 64  # by one consumer with eight threads and short messages

Prepared = Callable[[], object]


def worst(ground: Ground, organizations: int) -> dict[str, float]:
    """The median duration of each operation, in milliseconds."""
    ground.flush()
    operations = Operations(ground, organizations)
    operations.fill()
    return {name: operations.time(prepare) for name, prepare in operations.all()}


class Operations:
    """All of them on one full group."""

    def __init__(self, ground: Ground, organizations: int) -> None:
        self.ground = ground
        self.queues = Queues(ground.places.redis_url)
        self.organizations = organizations
        self.short = Queues(ground.places.redis_url, lease=timedelta(microseconds=1))
        self._idle = count(organizations + 1)  # those who have nothing waiting yet

    def fill(self) -> None:
        """Six messages for each organization, and one organization with many."""
        self.queues.open_epoch()
        everybody = range(1, self.organizations * 2)
        self.queues.control(GROUP, dict.fromkeys(everybody, CONTROL))
        for step in batched(range(1, self.organizations + 1), 100):
            self.queues.enqueue(chain.from_iterable(_entries(of, 6) for of in step))
        for _ in range(100):
            self.queues.enqueue(_entries(1, 100))
        for number in range(CONSUMERS):
            self.queues.fetch(GROUP, f"other-{number}", 1)

    def time(self, prepare: Callable[[], Prepared]) -> float:
        """Milliseconds."""
        return statistics.median(self._once(prepare) for _ in range(REPEATS))

    def _once(self, prepare: Callable[[], Prepared]) -> float:
        run = prepare()
        time.sleep(PAUSE_SECONDS)
        redis = self.ground.redis
        redis.config_set("slowlog-log-slower-than", 0)
        redis.slowlog_reset()
        run()
        redis.config_set("slowlog-log-slower-than", -1)
        ours = [one for one in redis.slowlog_get(10) if bytes(one["command"]).startswith(b"EVAL")]
        return float(max(one["duration"] for one in ours)) / 1000

    # -- the operations ---------------------------------------------------------------------------

    def all(self) -> Iterator[tuple[str, Callable[[], Prepared]]]:
        """Each with what makes it ready to run once."""
        queues = self.queues
        yield "enqueue", lambda: self._enqueue(timedelta(0))
        yield "enqueue, delayed", lambda: self._enqueue(timedelta(hours=1))
        yield "fetch", self._fetch
        yield "ack", lambda: self._settle(Ack(ran=timedelta(milliseconds=1)))
        yield "retry", lambda: self._settle(RetryAfter(body=BODY))
        yield "release", lambda: self._settle(Release())
        yield "reclaim", self._reclaim
        yield "reap", self._reap
        yield "heartbeat", self._heartbeat
        yield "leave", lambda: lambda: queues.leave(GROUP, "idle")
        yield "control", self._control
        yield "remove", self._remove
        yield "flush", self._flush
        yield "known", lambda: lambda: queues.known(GROUP, _keys(range(1, MOST_READ + 1)))
        yield "pages", lambda: lambda: next(queues.pages(GROUP, [1]))
        yield "situation", self._situation
        yield "controls", lambda: lambda: queues.controls(GROUP)
        yield "depth", lambda: lambda: queues.depth(GROUP, 1)
        yield "depths", lambda: lambda: queues.depths(GROUP)
        yield "totals", lambda: lambda: queues.totals(GROUP)

    def _enqueue(self, delay: timedelta) -> Prepared:
        entries = [
            entry for _ in range(MOST_MOVED) for entry in _entries(next(self._idle), 1, delay)
        ]
        return lambda: self.queues.enqueue(entries)

    def _fetch(self) -> Prepared:
        """As many messages and tokens as one fetch looks at are due, too."""
        soon = timedelta(microseconds=1)
        self.queues.enqueue(
            chain.from_iterable(_entries(next(self._idle), 1, soon) for _ in range(MOST_FETCHED))
        )
        return lambda: self.queues.fetch(GROUP, "c", MOST_FETCHED)

    def _leased(self, consumer: str, most: int, queues: Queues | None = None) -> list[Leased]:
        found: list[Leased] = []
        while len(found) < most:
            found += (queues or self.queues).fetch(GROUP, consumer, most - len(found)).messages
        return found

    def _settle(self, how: Disposition) -> Prepared:
        rows = [Settlement(one.key, how, one.stamp) for one in self._leased("c", MOST_MOVED)]
        return lambda: self.queues.settle(GROUP, "c", rows)

    def _reclaim(self) -> Prepared:
        """Some that it knows of, and as many as one step gives back that it does not."""
        consumer = uuid4().hex
        held = [one.key for one in self._leased(consumer, HELD + MOST_MOVED)][:HELD]
        return lambda: self.queues.reclaim(GROUP, consumer, held)

    def _reap(self) -> Prepared:
        consumer = uuid4().hex
        leased = self._leased(consumer, MOST_MOVED, self.short)
        self.short.heartbeat(GROUP, consumer, [one.key for one in leased])
        return lambda: self.queues.reap(GROUP)

    def _heartbeat(self) -> Prepared:
        consumer = uuid4().hex
        running = [one.key for one in self._leased(consumer, HELD)]
        return lambda: self.queues.heartbeat(GROUP, consumer, running)

    def _control(self) -> Prepared:
        owners = [next(self._idle) - self.organizations for _ in range(MOST_MOVED)]
        changed = Control(weight=3, limit=1, rate=500, burst=1)
        return lambda: self.queues.control(GROUP, dict.fromkeys(owners, changed))

    def _remove(self) -> Prepared:
        entries = _entries(1, MOST_MOVED)
        self.queues.enqueue(entries)
        return lambda: self.queues.remove(GROUP, 1, [entry.message_id for entry in entries])

    def _flush(self) -> Prepared:
        owners = range(1, MOST_MOVED + 1)
        self.queues.enqueue(
            Entry(organization_id=of, group=FLUSHED, message_id=uuid4().hex, body=BODY)
            for of in owners
        )
        return lambda: self.queues.flush(FLUSHED)

    def _situation(self) -> Prepared:
        """Of a message whose consumer is the last that is looked at."""
        [leased] = self._leased("zzz", 1)
        return lambda: self.queues.situation(GROUP, leased.organization_id, leased.message_id)


def _entries(organization_id: int, many: int, delay: timedelta = timedelta(0)) -> list[Entry]:
    return [
        Entry(
            organization_id=organization_id,
            group=GROUP,
            message_id=str(uuid4()),
            body=BODY,
            kind=f"kind-{number % 4}",
            delay=delay,
        )
        for number in range(many)
    ]


def _keys(organization_ids: range) -> list[MessageKey]:
    return [MessageKey(of, str(uuid4())) for of in organization_ids]
