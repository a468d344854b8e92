"""Plain Dramatiq actors on our broker, in many organizations' queues, without the ledger.

The same middleware as `peers/stock.py` has by Dramatiq's default; only the broker differs.

    fill JOBS ORGANIZATIONS       in line, spread over organizations
    control ORGANIZATIONS         a weight, a limit and a rate for each, none ever reached
    ask SECONDS…                  one job after each pause
"""

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import batched
from typing import Any

import dramatiq
from dramatiq.middleware import default_middleware

from benchmarks.ticks import tell, tick
from jobs.broker.broker import GroupBroker
from jobs.broker.messages import Control, Entry

GROUP = "bench"

broker = GroupBroker(
    url=os.environ["REDIS_URL"],
    middleware=[make() for make in default_middleware if make.__name__ != "Prometheus"],
)
dramatiq.set_broker(broker)


@dramatiq.actor(queue_name=GROUP)
def noop(asked: int = 0) -> None:
    """Count itself."""
    now = time.monotonic_ns()
    if asked:
        tell(0, asked, now, now)
    tick()


@dramatiq.actor(queue_name=GROUP)
def work(organization_id: int, milliseconds: float, asked: int = 0) -> None:
    """Take so long, and tell for whom."""
    started = time.monotonic_ns()
    time.sleep(milliseconds / 1000)
    tell(organization_id, asked, started, time.monotonic_ns())
    tick()


def entry(organization_id: int, actor: dramatiq.Actor[Any, Any], *args: Any) -> Entry:
    """One message of an organization."""
    message = actor.message(*args)
    return Entry(
        organization_id=organization_id,
        group=GROUP,
        message_id=message.message_id,
        body=message.encode(),
        kind=actor.actor_name,
    )


def enqueue(entries: Iterable[Entry]) -> int:
    """Put messages in line, a hundred at a time, in an epoch that is open."""
    if broker.backend.epoch() is None:
        broker.backend.open_epoch()
    return sum(broker.backend.enqueue(step) for step in batched(entries, 100))


def noops(jobs: int, organizations: int) -> Iterator[Entry]:
    """No-op jobs, spread evenly."""
    return (entry(1 + number % organizations, noop) for number in range(jobs))


def control(organizations: int) -> int:
    """What costs the broker work, and slows nobody down by itself."""
    controls: dict[int | None, Control] = {
        1 + number: Control(weight=1 + number % 4, limit=64, rate=100_000, burst=100_000)
        for number in range(organizations)
    }
    broker.backend.control(GROUP, controls, recovering=True)
    return len(controls)


def ask(pauses: list[float]) -> int:
    """One job after each pause, told when it was asked for."""
    for pause in pauses:
        time.sleep(pause)
        enqueue([entry(1, noop, time.monotonic_ns())])
    return len(pauses)


def main(verb: str, *rest: str) -> int:
    """One verb of the command line."""
    match verb:
        case "fill":
            return enqueue(noops(int(rest[0]), int(rest[1])))
        case "control":
            return control(int(rest[0]))
        case "ask":
            return ask([float(pause) for pause in rest])
    raise SystemExit(__doc__)


if __name__ == "__main__":
    # The workers know the actors under the module's real name, and so must the messages.
    from benchmarks.ours import bare

    print(json.dumps(bare.main(*sys.argv[1:])))
