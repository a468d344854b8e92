"""A cache of one organization at a time.

What is kept here lies in Redis under `org:{id}:cache:`, the id being that of the current scope:
outside a scope of exactly one organization there is no cache, and `NoScope` is raised. A cache is a
memory, not a source: an entry may be gone at any time, and Redis may not answer, which is a miss.
"""

import json
from datetime import timedelta
from functools import cache
from typing import Any

import structlog
from django.conf import settings
from redis import Redis, RedisError

from tenancy.scope import only_organization

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS = 0.5
"""A page that waits longer for its cache is better off without."""


def get(name: str) -> Any:
    """What was kept under this name; None when there is nothing."""
    key = _key(name)
    try:
        kept = _client(settings.REDIS_URL).get(key)
    except RedisError as error:
        log.warning("cache_unavailable", error=str(error))
        return None
    return None if kept is None else json.loads(kept)


def put(name: str, value: Any, *, keep_for: timedelta) -> None:
    """Keep a value that JSON can hold. Every entry ends: Redis is not asked to forget by itself."""
    key, kept = _key(name), json.dumps(value)
    try:
        _client(settings.REDIS_URL).set(key, kept, px=keep_for)
    except RedisError as error:
        log.warning("cache_unavailable", error=str(error))


def forget(name: str) -> None:
    """Drop what was kept under this name. Raises RedisError: what cannot be dropped stays."""
    _client(settings.REDIS_URL).delete(_key(name))


def _key(name: str) -> str:
    return f"org:{only_organization()}:cache:{name}"


@cache
def _client(url: str) -> Redis:
    return Redis.from_url(
        url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
    )
