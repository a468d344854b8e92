"""arq."""

import asyncio
import os
import sys

from arq import create_pool
from arq.connections import RedisSettings
from arq.worker import func

from benchmarks.ticks import tick

SETTINGS = RedisSettings(unix_socket_path=os.environ["VALKEY_SOCKET"])


QUIET = {"version": 1, "loggers": {"arq": {"level": "WARNING"}}}


async def noop(context):
    tick()


class WorkerSettings:
    redis_settings = SETTINGS
    functions = [func(noop, name="noop", keep_result=0, max_tries=1)]
    max_jobs = 100
    poll_delay = 0.01


async def fill(count):
    pool = await create_pool(SETTINGS)
    for _ in range(count):
        await pool.enqueue_job("noop")
    await pool.aclose()


if __name__ == "__main__":
    asyncio.run(fill(int(sys.argv[1])))
