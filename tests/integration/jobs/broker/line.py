"""The queues of one group in plain Python: what the Lua scripts must agree with."""

from collections import defaultdict
from dataclasses import dataclass, field

type Key = tuple[int | None, str]


@dataclass
class Line:
    ready: dict[Key, float] = field(default_factory=dict)  # waiting: since when
    due: dict[Key, float] = field(default_factory=dict)
    leases: dict[str, dict[Key, float]] = field(default_factory=lambda: defaultdict(dict))
    lost: dict[Key, int] = field(default_factory=dict)  # every known message
    ring: dict[int | None, int] = field(default_factory=dict)
    finish: dict[int | None, int] = field(default_factory=dict)
    vtime: int = 0
    clock: int = 10**15  # later than any due time that a test sets

    def enqueue(self, keys, *, delayed):
        new = 0
        for key in keys:
            if key not in self.lost:
                self.lost[key] = 0
                self._come_back(key, delayed=delayed)
                new += 1
        self._align()
        return new

    def fetch(self, consumer, count, now):
        for key in sorted((k for k in self.due if self.due[k] <= now), key=self._by_due)[:50]:
            self.ready[key] = self.due.pop(key)
        self._align()
        taken = []
        while self.ring and len(taken) < count:
            owner = min(self.ring, key=lambda owner: (self.ring[owner], _name(owner)))
            self.vtime = self.ring[owner]
            key = self._queue(owner)[0]
            self.leases[consumer][key] = self.ready.pop(key)
            taken.append((key, self.lost[key]))
            self.ring[owner] += 1
            self._align()
        if not taken and len(self.lost) == len(self.due):
            self.vtime = max([self.vtime, *self.finish.values()])
        return taken

    def ack(self, consumer, keys):
        held = [key for key in keys if self.leases[consumer].pop(key, None) is not None]
        for key in held:
            del self.lost[key]
        return len(held)

    def retry(self, consumer, keys, *, delayed):
        held = [key for key in keys if self.leases[consumer].pop(key, None) is not None]
        for key in held:
            self._come_back(key, delayed=delayed)
        self._align()
        return len(held)

    def release(self, consumer, keys):
        held = [key for key in keys if key in self.leases[consumer]]
        for key in held:
            self.ready[key] = self.leases[consumer].pop(key)
        self._align()
        return len(held)

    def reap(self, consumer):
        gone = list(self.leases[consumer])
        for key in gone:
            self.lost[key] += 1
        self.release(consumer, gone)

    def remove(self, owner, ids):
        keys = [(owner, i) for i in ids if (owner, i) in self.ready or (owner, i) in self.due]
        for key in keys:
            self.ready.pop(key, None)
            self.due.pop(key, None)
            del self.lost[key]
        self._align()
        return {message_id for _, message_id in keys}

    def waiting(self, owner):
        return len(self._queue(owner))

    def _come_back(self, key, *, delayed):
        self.clock += 1
        if delayed:
            self.due[key] = float("inf")
        else:
            self.ready[key] = self.clock

    def _align(self):
        waiting = {owner for owner, _ in self.ready}
        for owner in waiting - self.ring.keys():
            self.ring[owner] = max(self.vtime, self.finish.get(owner, 0))
        for owner in self.ring.keys() - waiting:
            self.finish[owner] = self.ring.pop(owner)

    def _queue(self, owner):
        return sorted(
            (key for key in self.ready if key[0] == owner),
            key=lambda key: (self.ready[key], key[1]),
        )

    def _by_due(self, key):
        return self.due[key], _name(key[0]) + b" " + key[1].encode()


def _name(owner):
    return b"plain" if owner is None else b"org:%d" % owner
