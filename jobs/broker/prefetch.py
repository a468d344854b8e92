"""How many messages a consumer holds: enough that no thread waits for Redis, and no more.

What is held here stands in no fair line any more, and cannot run on another machine. So the slower
messages are, the fewer are fetched ahead: none at all when one takes a second.
"""

# The work that is fetched ahead, for each thread.
AHEAD_SECONDS = 0.020
# How far beyond what Dramatiq asks for, when messages are short.
MOST_GROWTH = 4
# How much of a new run time goes into the mean.
SHARE = 1 / 16


class Prefetch:
    def __init__(self, asked: int) -> None:
        """`asked` is Dramatiq's figure, twice the threads of its worker; one message at a time
        when it is 1."""
        self._asked = asked
        self._threads = max(1, asked // 2)
        self._mean_seconds: float | None = None

    def note(self, ran_seconds: float) -> None:
        """Any thread: a message has ended. Two at once may lose one, which does no harm."""
        mean = self._mean_seconds
        self._mean_seconds = ran_seconds if mean is None else mean + (ran_seconds - mean) * SHARE

    @property
    def ahead(self) -> int:
        """Messages to hold beyond those that are running."""
        most = self._asked * MOST_GROWTH - self._threads
        if self._asked == 1:
            return 0
        if self._mean_seconds is None:
            return self._asked - self._threads
        return int(min(most, self._threads * AHEAD_SECONDS / max(self._mean_seconds, 1e-6)))

    @property
    def capacity(self) -> int:
        return self._threads + self.ahead

    @property
    def batch(self) -> int:
        """Room that is worth a fetch: short messages are fetched many at a time."""
        return max(1, self.ahead // 2)
