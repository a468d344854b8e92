"""Connections to Redis, and its refusals in our words."""

from collections.abc import Callable
from datetime import timedelta

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

from jobs.broker.errors import BrokerUnavailable, NoEpoch, RedisFull

SOCKET_TIMEOUT = timedelta(seconds=5)


def connect(url: str, *, retries: int) -> Redis:
    """A pool of connections; `retries` is how often a command is sent again on a broken one."""
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


def guarded[**P, Answer](call: Callable[P, Answer], *args: P.args, **kwargs: P.kwargs) -> Answer:
    """Run one command and say in our words why Redis would not."""
    try:
        return call(*args, **kwargs)
    except OutOfMemoryError as error:
        raise RedisFull(str(error)) from error
    except (RedisConnectionError, RedisTimeoutError, ReadOnlyError, MasterDownError) as error:
        raise BrokerUnavailable(f"Redis cannot be used: {error}") from error
    except ResponseError as error:
        if str(error).startswith("NO_EPOCH"):
            raise NoEpoch from error
        raise
