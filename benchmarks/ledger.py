"""What does it cost that no job is lost, and no effect doubled?

The full life of a job (claim, re-validate, scope, effect with an audit event, settle), against
Dramatiq with a database record per message, the nearest thing that people use today.
"""

from functools import partial

from benchmarks.broker import drain_stock
from benchmarks.contenders import PROCRASTINATE
from benchmarks.ground import Ground
from benchmarks.harness import Contender, Options, Report
from benchmarks.ours.worker import Ours
from benchmarks.records import Records

ROWS = (10_000, 100_000, 1_000_000)
SQL, ORM, DOOR = "ours, effect in SQL", "ours, effect in the ORM", "ours, through tenancy.changes"
NO_EFFECT, STOCK = "ours, no effect", "stock, no-op, no record"
DEFAULT, KEPT = "stock+records, no-op", "stock+records, no-op, connections kept"
SAME = "stock+records, connections kept, the same effect"
ONE, MANY, SENT = "ours, enqueue", "ours, enqueue_many by 1,000", "stock+records, send"


def run(ground: Ground, options: Options) -> Report:
    """Turn by turn: full lives, jobs without an effect, enqueueing; then over growing tables."""
    report = Report("ledger", options)
    ours, records = Ours(ground), Records(ground)
    ours.seed()
    records.seed()
    url = ground.database("procrastinate")
    PROCRASTINATE.prepare(ground, PROCRASTINATE_URL=url)
    some, few = options.pick(6000, 1500), options.pick(1000, 400)
    report.alternate(
        [
            Contender(name=DEFAULT, measure=partial(records.drain, "noop", few)),
            Contender(name=KEPT, measure=partial(records.drain, "noop", few, kept=True)),
            Contender(name=SAME, measure=partial(records.drain, "effect", few, kept=True)),
            Contender(name=SQL, measure=partial(ours.drain, "sql_effect", some)),
            Contender(name=ORM, measure=partial(ours.drain, "orm_effect", some)),
            Contender(name=DOOR, measure=partial(ours.drain, "door_effect", some)),
            Contender(name=NO_EFFECT, measure=partial(ours.drain, "no_effect", 2 * some)),
            Contender(name=STOCK, measure=partial(drain_stock, ground, some)),
            Contender(
                name=PROCRASTINATE.name,
                settings=PROCRASTINATE.settings,
                measure=partial(PROCRASTINATE.drain, ground, 2 * few, PROCRASTINATE_URL=url),
            ),
            Contender(name=SENT, measure=partial(records.send, few)),
            Contender(name=ONE, measure=partial(ours.enqueue, few, at_once=1)),
            Contender(name=MANY, measure=partial(ours.enqueue, 10 * few, at_once=1000)),
        ]
    )
    _bars(report)
    _grow(report, ours, options)
    return report


def _grow(report: Report, ours: Ours, options: Options) -> None:
    """The same full life, behind tables of finished jobs a decade apart."""
    sizes = [rows // options.pick(1, 10) for rows in ROWS]
    names = [f"{SQL}, {rows:,} finished jobs" for rows in sizes]
    for rows, name in zip(sizes, names, strict=True):
        ours.grow(rows)
        measure = partial(ours.drain, "sql_effect", options.pick(6000, 1500))
        for _ in range(report.rounds):
            report.measure(Contender(name=name, measure=measure))
    report.growth("the full life over finished jobs", names)


def _bars(report: Report) -> None:
    full = "full life, effect in"
    report.at_least(f"{full} SQL, against records as documented", report.ratio(SQL, DEFAULT), 6)
    report.at_least(f"{full} SQL, against connections kept", report.ratio(SQL, KEPT), 4)
    report.at_least(f"{full} ORM, against records as documented", report.ratio(ORM, DEFAULT), 3.5)
    report.at_least(f"{full} ORM, against connections kept", report.ratio(ORM, KEPT), 2)
    name = PROCRASTINATE.name
    report.at_least(f"no effect, against {name}", report.ratio(NO_EFFECT, name), 3)
    report.at_least("no effect, against stock without records", report.ratio(NO_EFFECT, STOCK), 1.5)
    report.at_least("enqueued one by one, against records", report.ratio(ONE, SENT), 4)
    report.at_least("enqueued by enqueue_many, against records", report.ratio(MANY, SENT), 50)
