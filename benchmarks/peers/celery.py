"""Celery on Redis."""

import os
import sys

from celery import Celery

from benchmarks.ticks import tick

app = Celery(broker=f"redis+socket://{os.environ['VALKEY_SOCKET']}")
app.conf.update(
    task_ignore_result=True,
    worker_prefetch_multiplier=16,
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)


@app.task(name="noop")
def noop():
    tick()


if __name__ == "__main__":
    with app.producer_pool.acquire() as producer:
        for _ in range(int(sys.argv[1])):
            noop.apply_async(producer=producer)
