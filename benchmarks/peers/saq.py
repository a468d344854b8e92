"""SAQ on Redis."""

import asyncio
import os
import sys

from redis.asyncio import Redis
from saq.queue.redis import RedisQueue

from benchmarks.ticks import tick

queue = RedisQueue(Redis.from_url(os.environ["REDIS_URL"]))


async def noop(context):
    tick()


settings = {"queue": queue, "functions": [noop], "concurrency": 100}


async def fill(count):
    await queue.connect()
    for _ in range(count):
        await queue.enqueue("noop", ttl=-1)
    await queue.disconnect()


if __name__ == "__main__":
    asyncio.run(fill(int(sys.argv[1])))
