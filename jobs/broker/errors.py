"""What can go wrong between this process and Redis.

    JobsError, dramatiq.errors.BrokerConnectionError
    └── BrokerUnavailable   Redis cannot be used now; nothing was changed, try again later
        ├── NoEpoch         Redis answers, but it lost its data and has not been recovered
        └── RedisFull       Redis has no memory left for new messages; running ones still end

All are connection errors to Dramatiq, so that its workers wait and carry on.
"""

from dramatiq.errors import BrokerConnectionError

from jobs.errors import JobsError


class BrokerUnavailable(BrokerConnectionError, JobsError):
    """Redis cannot be used at the moment.

    When the connection broke in the middle, the operation may have been done all the same. To
    repeat it is harmless where `Queues` does so by itself; a lost answer to `fetch` is made good
    by `reclaim`.
    """

    def __init__(self, message: str) -> None:
        self.message = message  # as DramatiqError, whose own __init__ has no types
        Exception.__init__(self, message)


class NoEpoch(BrokerUnavailable):
    """Redis was emptied (restart without its data, FLUSHALL) and the jobs are not back yet."""

    def __init__(self) -> None:
        super().__init__(
            "Redis holds no epoch: it lost its data, so its queues cannot be trusted.\n"
            "The scheduler puts unfinished jobs back and opens a new epoch; is it running?"
        )


class RedisFull(BrokerUnavailable):
    """Redis refused a write because it reached `maxmemory`."""

    def __init__(self, answer: str) -> None:
        super().__init__(
            f"Redis refused new messages, it is full ({answer}).\n"
            "Workers still drain it; raise `maxmemory` if this lasts."
        )
