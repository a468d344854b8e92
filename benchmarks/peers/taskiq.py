"""taskiq on Redis lists."""

import asyncio
import os
import sys

from taskiq_redis import ListQueueBroker

from benchmarks.ticks import tick

broker = ListQueueBroker(os.environ["REDIS_URL"])


@broker.task
async def noop():
    tick()


async def fill(count):
    await broker.startup()
    for _ in range(count):
        await noop.kiq()
    await broker.shutdown()


if __name__ == "__main__":
    # The task's name is taken from its module, which the worker imports under another one.
    from benchmarks.peers import taskiq

    asyncio.run(taskiq.fill(int(sys.argv[1])))
