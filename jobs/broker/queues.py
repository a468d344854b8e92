"""The operations on the queues of a group, one method for each file in `lua/`.

Each is atomic and does at most 100 messages in one step; more are sent in several steps, so a crash
between them leaves some done and the others untouched. Each raises `NoEpoch` when Redis lost its
data, and `BrokerUnavailable` when it cannot be reached; both mean: try again later.

Times are Redis's own. What a caller passes and gets are durations.
"""

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import batched, chain, groupby
from typing import Any

from redis import Redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)
from redis.retry import Retry

from jobs.broker import keys
from jobs.broker.errors import BrokerUnavailable, NoEpoch, RedisFull
from jobs.broker.messages import Entry, Leased, MessageKey, RetryAfter
from jobs.broker.scripts import Argument, Script

MOST_MOVED = 100  # by one script
MOST_FETCHED = 50  # by one script, which also moves as many delayed ones
LONGEST_WAIT = timedelta(seconds=3)  # of one blocking pop; stays below SOCKET_TIMEOUT
SOCKET_TIMEOUT = timedelta(seconds=5)

_VALUE = re.compile(rb"([0-9]{1,9}) (.*)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Fetched:
    messages: list[Leased]
    next_due: timedelta | None  # until a delayed message becomes due; None: there is none


@dataclass(frozen=True, kw_only=True)
class Reaped:
    messages: list[tuple[MessageKey, int]]  # given back, with the leases it has lost by now
    next_end: timedelta | None  # until the next leases end; None: there is no consumer


@dataclass(frozen=True, kw_only=True)
class Depth:
    organization_id: int | None  # None: plain actors
    waiting: int
    oldest: timedelta | None  # age of the first waiting message; None: none waits


@dataclass(frozen=True, kw_only=True)
class Totals:
    waiting: int
    delayed: int
    leased: int
    oldest: timedelta | None
    organizations: int  # with something waiting; plain actors count as one
    consumers: int  # with living leases


class Queues:
    def __init__(self, url: str, *, lease: timedelta = timedelta(seconds=30)) -> None:
        """`lease` is how long a silent consumer keeps what it fetched."""
        self.lease = lease
        # A pooled connection may have died with the last server. Repeating is safe, except where
        # the lost answer matters: fetch and wait use the second client, which never repeats.
        self._client = _connect(url, retries=2)
        self._once = _connect(url, retries=0)

    # In

    def enqueue(self, entries: Iterable[Entry], *, recovering: bool = False) -> int:
        """Put messages in line; returns how many were new.

        One that is waiting, delayed or leased already is left alone. `recovering` is for putting
        jobs back before the epoch is opened. Raises `RedisFull` at `maxmemory`.
        """
        new = 0
        ordered = sorted(entries, key=lambda entry: entry.group)
        for group, of_group in groupby(ordered, key=lambda entry: entry.group):
            for step in batched(of_group, MOST_MOVED):
                fields = chain.from_iterable(_fields(entry) for entry in step)
                new += self._run(_ENQUEUE, group, int(recovering), *fields)
        return new

    def remove(self, group: str, organization_id: int | None, ids: Iterable[str]) -> set[str]:
        """Take waiting and delayed messages out; returns those that now never start.

        The others are leased or unknown.
        """
        return self._ids(_REMOVE, group, organization_id, ids)

    def flush(self, group: str) -> int:
        """Drop everything that waits or is delayed, of all organizations; returns how many."""
        total = 0
        while dropped := self._run(_FLUSH, group):
            total += dropped
        return total

    # Through a consumer

    def fetch(self, group: str, consumer_id: str, count: int) -> Fetched:
        """Lease up to `count` messages (at most 50), one of each organization in turn.

        When it raises, messages may have been leased all the same: see `reclaim`.
        """
        due_us, *flat = self._run(
            _FETCH,
            group,
            consumer_id,
            _us(self.lease),
            min(count, MOST_FETCHED),
            consumer_id=consumer_id,
            client=self._once,
        )
        messages = [
            _leased(group, owner, message_id, value)
            for owner, message_id, value in batched(flat, 3)
        ]
        return Fetched(messages=messages, next_due=_duration(due_us))

    def wait(self, group: str, timeout: timedelta) -> bool:
        """Block until there may be something to fetch, or for `timeout` (at most three seconds)."""
        seconds = max(0.001, min(timeout, LONGEST_WAIT).total_seconds())
        return _guarded(self._once.blpop, [keys.wake(group)], seconds) is not None

    def heartbeat(self, group: str, consumer_id: str) -> int | None:
        """Extend all leases of a consumer; returns how many, or None when they were reaped."""
        held: int | None = self._run(
            _HEARTBEAT, group, consumer_id, _us(self.lease), consumer_id=consumer_id
        )
        return held

    def reap(self, group: str) -> Reaped:
        """Give back what consumers hold whose leases have ended, to where it was taken from."""
        end_us, *flat = self._run(_REAP, group, keys.leases_prefix(group))
        messages = [
            (MessageKey(keys.organization_id(owner), _text(message_id)), lost)
            for owner, message_id, lost in batched(flat, 3)
        ]
        return Reaped(messages=messages, next_end=_duration(end_us))

    def ack(self, group: str, consumer_id: str, messages: Iterable[MessageKey]) -> int:
        """Forget messages; returns how many leases the consumer still had."""
        return self._settle(_ACK, group, consumer_id, [(_member(key),) for key in messages])

    def retry(self, group: str, consumer_id: str, messages: Mapping[MessageKey, RetryAfter]) -> int:
        """Let messages come back after their delays; returns how many leases it still had."""
        rows = [
            (_member(key), _us(after.delay), after.body or b"") for key, after in messages.items()
        ]
        return self._settle(_RETRY, group, consumer_id, rows)

    def release(self, group: str, consumer_id: str, messages: Iterable[MessageKey]) -> int:
        """Give unstarted messages back, uncounted; returns how many leases it still had."""
        return self._settle(_RELEASE, group, consumer_id, [(_member(key),) for key in messages])

    def reclaim(self, group: str, consumer_id: str, held: Iterable[MessageKey]) -> int:
        """Release all leases but those that the consumer knows of; returns how many.

        For after an answer to `fetch` was lost. Nothing else may settle for this
        consumer meanwhile.
        """
        members = [_member(key) for key in held]
        total = 0
        while released := self._run(_RECLAIM, group, *members, consumer_id=consumer_id):
            total += released
        return total

    def leave(self, group: str, consumer_id: str) -> bool:
        """Fetch no more: wake another consumer for what waits. False while leases are held."""
        return bool(self._run(_LEAVE, group, consumer_id, consumer_id=consumer_id))

    # Looking

    def known(self, group: str, organization_id: int | None, ids: Iterable[str]) -> set[str]:
        """Those of the messages that are here in any form: waiting, delayed or leased."""
        return self._ids(_KNOWN, group, organization_id, ids)

    def depth(self, group: str, organization_id: int | None) -> Depth:
        waiting, oldest_us, _ = self._run(_DEPTH, group, keys.owner(organization_id))
        return Depth(organization_id=organization_id, waiting=waiting, oldest=_duration(oldest_us))

    def depths(self, group: str, *, limit: int = MOST_MOVED) -> list[Depth]:
        """The organizations who wait longest, at most 100, oldest first."""
        flat = self._run(_DEPTHS, group, min(limit, MOST_MOVED))
        return [
            Depth(
                organization_id=keys.organization_id(owner),
                waiting=waiting,
                oldest=_duration(oldest_us),
            )
            for owner, waiting, oldest_us in batched(flat, 3)
        ]

    def totals(self, group: str) -> Totals:
        waiting, delayed, leased, oldest_us, owners, consumers = self._run(_TOTALS, group)
        return Totals(
            waiting=waiting,
            delayed=delayed,
            leased=leased,
            oldest=_duration(oldest_us),
            organizations=owners,
            consumers=consumers,
        )

    # The epoch

    def epoch(self) -> str | None:
        """What tells one life of Redis's data from the next; None: it lost them."""
        value = _guarded(self._client.get, keys.EPOCH)
        return value.decode() if value else None

    def open_epoch(self) -> str:
        """Declare Redis whole: the last step of recovery, and the first on an empty one."""
        epoch = uuid.uuid4().hex
        _guarded(self._client.set, keys.EPOCH, epoch)
        return epoch

    def close(self) -> None:
        self._client.close()
        self._once.close()

    # The steps below all of them

    def _settle(
        self, script: Script, group: str, consumer_id: str, rows: Sequence[tuple[Argument, ...]]
    ) -> int:
        return sum(
            self._run(script, group, *chain.from_iterable(step), consumer_id=consumer_id)
            for step in batched(rows, MOST_MOVED)
        )

    def _ids(
        self, script: Script, group: str, organization_id: int | None, ids: Iterable[str]
    ) -> set[str]:
        owner = keys.owner(organization_id)
        return {
            _text(found)
            for step in batched(ids, MOST_MOVED)
            for found in self._run(script, group, owner, *step)
        }

    def _run(
        self,
        script: Script,
        group: str,
        *args: Argument,
        consumer_id: str | None = None,
        client: Redis | None = None,
    ) -> Any:
        names = keys.shared(group)
        if consumer_id is not None:
            names = (*names, keys.leases(group, consumer_id))
        return _guarded(script, client or self._client, names, (keys.suffix(group), *args))


def _guarded(call: Any, *args: Any) -> Any:
    """Run one command and say in our words why Redis would not."""
    try:
        return call(*args)
    except OutOfMemoryError as error:
        raise RedisFull(str(error)) from error
    except (RedisConnectionError, RedisTimeoutError, ReadOnlyError, MasterDownError) as error:
        raise BrokerUnavailable(f"Redis cannot be used: {error}") from error
    except ResponseError as error:
        if str(error).startswith("NO_EPOCH"):
            raise NoEpoch from error
        raise


def _connect(url: str, *, retries: int) -> Redis:
    return Redis.from_url(
        url,
        socket_timeout=SOCKET_TIMEOUT.total_seconds(),
        socket_connect_timeout=SOCKET_TIMEOUT.total_seconds(),
        retry=Retry(
            ExponentialWithJitterBackoff(base=0.02, cap=0.2),
            retries,
            supported_errors=(RedisConnectionError,),
        ),
    )


def _fields(entry: Entry) -> tuple[Argument, ...]:
    owner = keys.owner(entry.organization_id)
    return owner, entry.message_id, _us(entry.delay), entry.body


def _leased(group: str, owner: bytes, message_id: bytes, value: bytes) -> Leased:
    # Without its count it is forged: the whole of it is the body, which nobody can decode.
    deliveries, body = found.groups() if (found := _VALUE.fullmatch(value)) else (b"0", value)
    return Leased(
        organization_id=keys.organization_id(owner),
        group=group,
        message_id=_text(message_id),
        body=body,
        deliveries=int(deliveries),
    )


def _member(key: MessageKey) -> bytes:
    # Ids are UUIDs, but what was forged into Redis must be settled too, whatever its bytes are.
    return f"{keys.owner(key.organization_id)} {key.message_id}".encode(errors="surrogateescape")


def _text(message_id: bytes) -> str:
    return message_id.decode(errors="surrogateescape")


def _us(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)


def _duration(us: int) -> timedelta | None:
    return None if us < 0 else timedelta(microseconds=us)


_ENQUEUE, _REMOVE, _FLUSH = Script("enqueue"), Script("remove"), Script("flush")
_FETCH, _HEARTBEAT, _REAP = Script("fetch"), Script("heartbeat"), Script("reap")
_ACK, _RETRY, _RELEASE = Script("ack"), Script("retry"), Script("release")
_RECLAIM, _LEAVE = Script("reclaim"), Script("leave")
_KNOWN, _DEPTH, _DEPTHS, _TOTALS = (
    Script("known"),
    Script("depth"),
    Script("depths"),
    Script("totals"),
)
