"""The line in front of the workers, on Redis. It knows no family and no ledger.

*What is here.* References to jobs, and whole messages of plain Dramatiq actors. For jobs PostgreSQL
is authoritative: Redis may lose everything, and then answers nothing (`NoEpoch`) until recovery has
put the unfinished jobs back and opened a new epoch. A plain message lives only here.

*The words.* A **group** is what a worker subscribes to, and what Dramatiq calls a queue. In it each
**owner** (an organization, or all plain actors together) has a queue of its own.

*Fairness.* The **ring** holds the owners that may be served, by virtual time: the next message is
taken from the owner that has had least worker time for its weight. It pays for it in advance, what
messages of that **kind** take on average, and the difference when it is settled. Who has nothing
waiting, is paused, at its limit or without a token is out of the ring, so that what one owner has
waiting costs the others nothing. This is start-time fair queueing, as in
a router, with worker time in the place of bytes.

*A message* is in exactly one of three places, and known by its id in all of them:

    enqueue ──▶ waiting ──fetch──▶ leased ──ack──▶ gone
       │           ▲ ▲               │ │
       │ delay     │ └─release, reap─┘ │ retry
       └──────▶ delayed ◀──────────────┘
                  (becomes waiting when it is due and anyone fetches)

A **lease** is a consumer's right to what it fetched, for 30 s from its last heartbeat. When it
ends, `reap` gives the messages back and counts one lost lease; a worker that comes back later
settles nothing. Delivery is at least once; exactly once takes the ledger and its fence.

*The rooms.* `broker`, `consumer`: Dramatiq's two interfaces. `held`: what one process holds;
`prefetch`: how much that may be, `hand_over`: how threads get it. `queues`: one method for each
operation, with `answers`, `wire` and `client` between it and Redis. `lua/`: the operations, each
atomic. `keys`: every key. `poison`: messages that nobody can run. `notices`: what running workers
are told. Fairness is in `lua/fetch.lua`, which takes from the ring, and `lua/include/line.lua` and
`lease.lua` beside it, which say where an owner stands and what it pays.

*What comes from where.* Organization and id of a message come from its Redis key, never from its
body. Times are Redis's clock; durations cross the border, never points in time.
"""

from jobs.broker.messages import (
    Ack,
    Control,
    Disposition,
    Entry,
    GroupMessage,
    Leased,
    MessageKey,
    Poison,
    Release,
    RetryAfter,
    Settlement,
)

__all__ = [
    "Ack",
    "Control",
    "Disposition",
    "Entry",
    "GroupMessage",
    "Leased",
    "MessageKey",
    "Poison",
    "Release",
    "RetryAfter",
    "Settlement",
]
