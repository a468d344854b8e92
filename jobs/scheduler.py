"""The periodic work: relay, recovery, check, sealing, retention. Safe to run twice at once.

Each tick locks what it touches in the database, so two schedulers share the work. A tick that fails
is logged and tried again at its next time; it stops no other.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from django.db import Error, connection

from audit.sealing.tick import Sealing
from jobs import control
from jobs.alerts.evaluate import evaluate
from jobs.alerts.telling import teller
from jobs.broker.errors import BrokerUnavailable
from jobs.check import Watch
from jobs.execution.leases import Leases
from jobs.families.search import upkeep as search
from jobs.families.transfers.exports import removal as exported
from jobs.families.transfers.imports import removal as imported
from jobs.ledger import breakers, control_copy, relay
from jobs.retention import Retention

log = structlog.get_logger(__name__)

SCHEDULER = "scheduler"
"""The name under which a scheduler stands among the workers' groups."""


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A piece of work and how often it is done."""

    name: str
    every_seconds: float
    work: Callable[[], object]


def publish_all_due() -> None:
    """Publish batch after batch until none is full."""
    while relay.publish_due() >= relay.BATCH:
        pass


TICKS = (
    Tick(name="recover", every_seconds=1, work=relay.recover),
    Tick(name="publish", every_seconds=1, work=publish_all_due),
    Tick(name="end_pauses", every_seconds=1, work=control.end_pauses),
    Tick(name="reconcile_controls", every_seconds=5, work=control_copy.reconcile),
    Tick(name="sweep", every_seconds=60, work=relay.sweep),
    Tick(name="watch", every_seconds=1, work=Watch().tick),
    Tick(name="breakers", every_seconds=1, work=breakers.step),
    Tick(name="seal", every_seconds=1, work=Sealing().tick),
    Tick(name="retention", every_seconds=5, work=Retention().tick),
    Tick(name="exports", every_seconds=5, work=exported.tick),
    Tick(name="imports", every_seconds=60, work=imported.tick),
    Tick(name="import_orphans", every_seconds=6 * 3600, work=imported.sweep),
    Tick(name="search", every_seconds=15, work=search.tick),
    Tick(name="evaluate_alerts", every_seconds=2, work=evaluate),
    Tick(name="tell_of_alerts", every_seconds=2, work=teller.start),
)


def run_scheduler(stopping: threading.Event, ticks: tuple[Tick, ...] = TICKS) -> None:
    """Do every tick at its time until `stopping` is set."""
    life = Leases()
    life.start([SCHEDULER])
    due = {tick.name: 0.0 for tick in ticks}
    while not stopping.is_set():
        for tick in ticks:
            if time.monotonic() >= due[tick.name] and not stopping.is_set():
                due[tick.name] = time.monotonic() + tick.every_seconds
                _do(tick)
        pause = min(due.values()) - time.monotonic()
        stopping.wait(max(pause, 0.01))
    life.stop()


def _do(tick: Tick) -> None:
    try:
        tick.work()
    except (Error, BrokerUnavailable) as error:
        log.warning("scheduler_tick_failed", tick=tick.name, error=str(error))
        connection.close()
    except Exception:
        # A fault in one tick must not stop the relay; it is logged whole.
        log.exception("scheduler_tick_broke", tick=tick.name)
