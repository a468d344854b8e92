"""/healthz: this process answers. /readyz: the product can do its work, or which part is down.

Readiness asks each part afresh, on connections of its own with short limits: the pool of the web
process would make a probe wait behind everybody else's requests.
"""

from collections.abc import Mapping
from typing import Any

import psycopg
import redis
from django.conf import settings
from django.http import HttpRequest, JsonResponse

from jobs.broker import keys
from jobs.job_types import GROUPS
from jobs.scheduler import SCHEDULER

LIMIT_SECONDS = 2
PROBE_SECONDS = 60

Part = Mapping[str, Any]
UP: Part = {"status": "up"}

_ALIVE = """
    SELECT g.name, count(*)
    FROM jobs_worker, jsonb_array_elements_text(queue_groups) AS g(name)
    WHERE stopped_at IS NULL AND seen_at > clock_timestamp() - make_interval(secs => %s)
    GROUP BY g.name
"""


def healthz(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers at all; asks nobody else."""
    return JsonResponse({"status": "up"})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when every part is up, 503 with the parts that are not."""
    database, alive = _database()
    parts: dict[str, Part] = {
        "database": database,
        "redis": _redis(),
        **{f"workers.{group}": _alive(alive, group) for group in GROUPS},
        "scheduler": _alive(alive, SCHEDULER),
    }
    is_ready = all(part["status"] == "up" for part in parts.values())
    return JsonResponse(
        {"status": "up" if is_ready else "down", "parts": parts}, status=200 if is_ready else 503
    )


def _database() -> tuple[Part, dict[str, int] | None]:
    """Whether it answers, and how many processes it saw alive of each group."""
    try:
        with psycopg.connect(
            settings.DATABASE_URL,
            connect_timeout=LIMIT_SECONDS,
            options=f"-c statement_timeout={LIMIT_SECONDS}s",
        ) as connection:
            found = connection.execute(_ALIVE, [settings.JOBS_LEASE_SECONDS]).fetchall()
    except psycopg.Error as error:
        return _down(error), None
    return UP, dict(found)


def _redis() -> Part:
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=LIMIT_SECONDS, socket_connect_timeout=LIMIT_SECONDS
    )
    try:
        with client:
            is_whole = client.exists(keys.EPOCH)
            client.set(keys.PROBE, 1, ex=PROBE_SECONDS)
    except redis.exceptions.OutOfMemoryError:
        return {"status": "down", "why": "it is full: new jobs wait in the database"}
    except redis.RedisError as error:
        return _down(error)
    if not is_whole:
        return {"status": "down", "why": "it lost its data; the scheduler fills it again"}
    return UP


def _alive(alive: dict[str, int] | None, group: str) -> Part:
    if alive is None:
        return {"status": "unknown", "why": "only the database knows"}
    count = alive.get(group, 0)
    if not count:
        return {"status": "down", "why": "no process gave a sign of life within the lease"}
    return {"status": "up", "processes": count}


def _down(error: Exception) -> Part:
    # The class only: the text may name hosts and users, and anybody may read this page.
    return {"status": "down", "why": type(error).__name__}
