"""huey on Redis."""

import os
import sys

from huey import RedisHuey

from benchmarks.ticks import tick

huey = RedisHuey(url=os.environ["REDIS_URL"], results=False)


@huey.task(name="noop")
def noop():
    tick()


if __name__ == "__main__":
    # A task is called after its module, which the worker imports under its real name.
    from benchmarks.peers.huey import noop

    for _ in range(int(sys.argv[1])):
        noop()
