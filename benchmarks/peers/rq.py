"""RQ."""

import os
import sys

from redis import Redis
from rq import Queue

from benchmarks import ticks


def noop():
    ticks.tick()


if __name__ == "__main__":
    queue = Queue(connection=Redis.from_url(os.environ["REDIS_URL"]))
    with queue.connection.pipeline() as pipeline:
        for _ in range(int(sys.argv[1])):
            queue.enqueue("benchmarks.peers.rq.noop", result_ttl=0, pipeline=pipeline)
        pipeline.execute()
