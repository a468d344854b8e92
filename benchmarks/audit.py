"""What does the audit log cost, and how fast is it sealed and verified?

A transaction that changes a row and records it, against one that inserts a ready row of the same
size with the trigger off that puts it in line for its seal; then sealing in full batches, and the
verifier that stands alone.
"""

import sys
from functools import partial

from benchmarks.ground import Ground
from benchmarks.harness import Contender, Options, Report
from benchmarks.ours.worker import SETTINGS, Ours

BARE, RECORDED = "a change with a bare insert", "a change with record()"
SEALED, VERIFIED = "sealed", "verified offline"


def run(ground: Ground, options: Options) -> Report:
    """Two transactions turn by turn, then sealing and verifying."""
    report = Report("audit", options)
    Ours(ground, organizations=2).seed()
    changes, events = options.pick(5_000, 500), options.pick(200_000, 20_000)
    report.alternate(
        [
            Contender(name=BARE, unit="/s", measure=partial(_rate, ground, "bare", changes)),
            Contender(name=RECORDED, unit="/s", measure=partial(_rate, ground, "record", changes)),
            Contender(name=SEALED, unit="events/s", measure=partial(_rate, ground, "seal", events)),
            Contender(
                name=VERIFIED, unit="events/s", measure=partial(_rate, ground, "offline", events)
            ),
        ]
    )
    report.at_most("a change with record(), in bare ones", report.ratio(BARE, RECORDED), 1.1, "×")
    report.at_least("sealed", report.median(SEALED), 50_000, "events/s")
    report.at_least("verified offline", report.median(VERIFIED), 100_000, "events/s")
    return report


def _rate(ground: Ground, mode: str, count: int) -> float:
    queued = "ENABLE ALWAYS" if mode != "bare" else "DISABLE"
    with ground.superuser() as connection:
        connection.execute(f"ALTER TABLE audit_auditevent {queued} TRIGGER audit_queue")
    found = ground.tool(sys.executable, "-m", "benchmarks.ours.audit", mode, str(count), **SETTINGS)
    return float(found["events"] / found["seconds"])
