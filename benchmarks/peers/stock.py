"""Dramatiq with its own Redis broker, on one queue or many.

`fill COUNT` puts jobs in line; `ask SECONDS…` one job after each pause, told when it was asked for.
"""

import os
import sys
import time

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.ticks import tell, tick

broker = RedisBroker(url=os.environ["REDIS_URL"])
dramatiq.set_broker(broker)
QUEUES = int(os.environ.get("QUEUES", "1"))


@dramatiq.actor(queue_name="q0")
def noop(asked=0):
    now = time.monotonic_ns()
    if asked:
        tell(0, asked, now, now)
    tick()


for number in range(1, QUEUES):
    broker.declare_queue(f"q{number}")


def fill(count):
    for number in range(count):
        broker.enqueue(noop.message().copy(queue_name=f"q{number % QUEUES}"))


def ask(pauses):
    for pause in pauses:
        time.sleep(pause)
        noop.send(time.monotonic_ns())


if __name__ == "__main__":
    verb, *rest = sys.argv[1:]
    if verb == "fill":
        fill(int(rest[0]))
    else:
        ask([float(pause) for pause in rest])
