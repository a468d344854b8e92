"""Which servers this version can use: PostgreSQL 18, Redis 7, Valkey 8, or newer."""

import psycopg
import redis

POSTGRES = 18
REDIS = 7
VALKEY = 8


def postgres_complaint(url: str) -> str:
    """Why this PostgreSQL cannot be used, in one sentence; empty when it can."""
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            major = connection.info.server_version // 10000
    except psycopg.OperationalError as error:
        return f"PostgreSQL cannot be reached: {str(error).strip()}"
    if major < POSTGRES:
        return f"PostgreSQL {major} is too old: use PostgreSQL {POSTGRES} or newer."
    return ""


def redis_complaint(url: str, *, must_be_empty: bool = False) -> str:
    """Why this Redis or Valkey cannot be used, in one sentence; empty when it can."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=10) as client:
            facts = client.info("server")
            keys = client.dbsize()
    except redis.RedisError as error:
        return f"Redis cannot be reached: {error}"
    name, needed = ("Valkey", VALKEY) if "valkey_version" in facts else ("Redis", REDIS)
    version = str(facts.get("valkey_version", facts["redis_version"]))
    if int(version.split(".")[0]) < needed:
        return f"{name} {version} is too old: use Redis {REDIS} or Valkey {VALKEY}, or newer."
    if must_be_empty and keys:
        return f"TEST_REDIS_URL must name an empty database, and this one holds {keys} keys."
    return ""
