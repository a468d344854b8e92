"""Every key of the broker, built here and nowhere else.

    org:{id}:{group}                 zset    message id → ready since (µs), while it waits
    org:{id}:{group}:messages        hash    message id → "lost-leases:kind body", while it is known
    plain:{group}, …:messages                the same for the messages of plain actors
    group:{group}:state              hash    virtual time, last arrival, two counters; stays
    group:{group}:ring               zset    owner → start tag, while it may be served
    group:{group}:heads              zset    owner → its oldest waiting message (µs)
    group:{group}:tags               zset    owner → finish tag, until virtual time passes it
    group:{group}:due                zset    "owner id" → due (µs), while it is delayed
    group:{group}:consumers          zset    consumer → end of its leases (µs), until reaped
    group:{group}:wake               list    at most one token, until a consumer takes it
    group:{group}:leased             hash    owner → messages leased, finish tag if not in the ring
    group:{group}:means              hash    kind of message → mean run time (µs); stays
    group:{group}:controls           hash    owner → what it may take; a copy of PostgreSQL's
    group:{group}:buckets            hash    owner → when its tokens are all back (µs)
    group:{group}:resting            zset    owner → its next token (µs), while it waits for that
    group:{group}:again              zset    "owner id" → due (µs), enqueued while it was leased
    group:{group}:leases:{consumer}  hash    "owner id" → "ready charge fetched kind [started]"
    jobs:epoch                       string  a random id, as long as Redis has its data
    jobs:probe                       string  whether Redis takes anything, for a minute
    jobs:notices                     channel news for running workers (`notices`); keeps nothing

An *owner* is `org:{id}` or `plain`. Keys with an organization's data begin `org:{id}:`; the shared
ones hold ids only. To spread organizations over a cluster, the suffix of a group and its shared
keys take one hash tag per partition.
"""

import re
from functools import lru_cache

EPOCH = "jobs:epoch"
PROBE = "jobs:probe"
NOTICES = "jobs:notices"

PLAIN = "plain"

_SHARED = (
    *("state", "ring", "heads", "tags", "due", "consumers", "wake", "leased"),
    *("means", "controls", "buckets", "resting", "again"),
)

_GROUP = re.compile(r"[a-zA-Z_][a-zA-Z0-9._-]*")


def owner(organization_id: int | None) -> str:
    return PLAIN if organization_id is None else f"org:{organization_id}"


def organization_id(owner: bytes) -> int | None:
    return None if owner == b"plain" else int(owner[4:])


@lru_cache
def suffix(group: str) -> str:
    """What follows the owner in the key of its queue."""
    if not _GROUP.fullmatch(group):
        raise ValueError(
            f"{group!r} cannot name a queue group: use letters, digits, '.', '_' and '-', "
            "beginning with a letter or '_'."
        )
    return f":{group}"


def queue(group: str, organization_id: int | None) -> str:
    return owner(organization_id) + suffix(group)


def messages(group: str, organization_id: int | None) -> str:
    return queue(group, organization_id) + ":messages"


@lru_cache
def shared(group: str) -> tuple[str, ...]:
    """KEYS of every script, in the order of lua/include/group.lua."""
    return (EPOCH, *(f"group{suffix(group)}:{name}" for name in _SHARED))


def wake(group: str) -> str:
    return f"group{suffix(group)}:wake"


def leases_prefix(group: str) -> str:
    return f"group{suffix(group)}:leases:"


def leases(group: str, consumer_id: str) -> str:
    return leases_prefix(group) + consumer_id
