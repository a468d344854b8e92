"""How fast does one worker drain a queue, and does the number of organizations matter?

No-op jobs without the ledger: what is compared is the line in front of the workers.
"""

import sys

from benchmarks import operations
from benchmarks.contenders import ON_REDIS
from benchmarks.ground import Ground
from benchmarks.harness import Contender, Options, Report

DRAMATIQ = [sys.executable, "-m", "dramatiq", "--processes", "1", "--threads", "8"]
BARE = "benchmarks.ours.bare"
STOCK = "benchmarks.peers.stock"
ORGANIZATIONS = (1, 100, 10_000)
MOST = 100_000
OPERATION = "one step in Valkey (median), 10,000 organizations with limits"
LIMITED = "ours, 10,000 organizations, weight + limit + rate on each"


def run(ground: Ground, options: Options) -> Report:
    """Drain of every system, turn by turn, and ours at growing numbers of organizations."""
    report = Report("broker", options)
    jobs = options.pick(40_000, 20_000)
    sizes = ORGANIZATIONS if options.quick else (*ORGANIZATIONS, MOST)
    stock = Contender(
        name="stock",
        measure=lambda: drain_stock(ground, options.pick(8000, 3000)),
        settings="Dramatiq's RedisBroker, 8 threads, one queue",
    )
    report.alternate(
        [
            stock,
            *(_ours(ground, size, jobs) for size in sizes),
            Contender(
                name=LIMITED,
                measure=lambda: drain(ground, jobs, 10_000, controls=True),
                settings="weights 1–4, limit 64, rate 100,000/s: none is ever reached",
            ),
            *(peer.contender(ground, divide=options.pick(1, 3)) for peer in ON_REDIS),
        ]
    )
    _bars(report)
    _slowest(ground, report)
    return report


def _ours(ground: Ground, organizations: int, jobs: int) -> Contender:
    return Contender(
        name=_name(organizations),
        measure=lambda: drain(ground, max(jobs, organizations), organizations),
        settings="GroupBroker, 8 threads, Dramatiq's default middleware",
    )


def _name(organizations: int) -> str:
    return f"ours, {organizations:,} organization{'s' if organizations > 1 else ''}"


def _slowest(ground: Ground, report: Report) -> None:
    """How long one operation keeps Valkey from all others, at its worst."""
    found = operations.worst(ground, 10_000)
    for name, milliseconds in found.items():
        report.add(f"{OPERATION}, {name}", milliseconds, "ms", "at its worst")
    slowest = max(found, key=lambda name: found[name])
    report.at_most(f"{OPERATION}, the longest ({slowest})", found[slowest], 1, "ms")


def _bars(report: Report) -> None:
    one, _, ten_thousand = map(_name, ORGANIZATIONS)
    report.growth("the drain rate over organizations", [_name(n) for n in (*ORGANIZATIONS, MOST)])
    report.at_least("10,000 organizations against stock", report.ratio(ten_thousand, "stock"), 5)
    rates = [report.ratio(ten_thousand, peer.name) for peer in ON_REDIS]
    measured = [rate for rate in rates if rate is not None]
    report.at_least("against the fastest peer", min(measured, default=None), 1)
    report.at_least("10,000 organizations against one", report.ratio(ten_thousand, one), 0.9)
    report.at_least("100,000 organizations against one", report.ratio(_name(MOST), one), 0.8)
    report.at_least("limits on every one, against none", report.ratio(LIMITED, ten_thousand), 0.8)


def drain_stock(ground: Ground, jobs: int) -> float:
    """Jobs a second of Dramatiq with its own broker."""
    ground.flush()
    ground.tool(sys.executable, "-m", STOCK, "fill", str(jobs))
    with ground.worker(*DRAMATIQ, STOCK) as worker:
        return worker.drain(jobs).rate


def drain(ground: Ground, jobs: int, organizations: int, *, controls: bool = False) -> float:
    """Jobs a second of Dramatiq with our broker."""
    ground.flush()
    ours = [sys.executable, "-m", BARE]
    if controls:
        ground.tool(*ours, "control", str(organizations))
    ground.tool(*ours, "fill", str(jobs), str(organizations))
    with ground.worker(*DRAMATIQ, BARE) as worker:
        return worker.drain(jobs).rate
