"""How many missions a second reach the index, against the backend's own bulk write?

The other side is the statement that our PostgreSQL backend writes documents with, given ready-made
ones (words and all) as the application's role: 500 in a statement, or one. Ours reads each document
from the database, makes its words, compares versions, notes what was written; by jobs it also goes
through the ledger and Redis, each with an attempt and a completion of its own; a whole reindex also
counts what was never counted, and compares the new index with the database before readers get it.

The organization that is measured has half of all missions, so that the table is not its own.
"""

import sys
from collections.abc import Callable
from functools import partial

from benchmarks.ground import Ground
from benchmarks.harness import Contender, Options, Report
from benchmarks.latency import is_quiet
from benchmarks.ours.worker import SETTINGS, Ours, command

MISSIONS = (1_000, 10_000, 100_000)
QUICK = (200, 2_000)
SINGLE = 500
SHARE = 60
BOTH = (1, 2)

_SEED = """
    INSERT INTO tenancy_mission (organization_id, project_id, reference, title, description, state)
    SELECT o, (SELECT min(id) FROM tenancy_project WHERE organization_id = o), 'MSN-' || n,
        'Mission ' || n || ' of the ' || (ARRAY['harbour', 'tunnel', 'bridge'])[n %% 3 + 1],
        (SELECT string_agg('w' || (n * 7919 + i * i * 104729) %% 20000, ' ')
            FROM generate_series(1, 55) i),
        'planned'
    FROM unnest(%s::bigint[]) o, generate_series(%s::bigint + 1, %s::bigint) n
"""


def run(ground: Ground, options: Options) -> Report:
    """Size by size, turn by turn."""
    report = Report("indexing", options)
    Ours(ground, organizations=2).seed()
    sizes = options.pick(MISSIONS, QUICK)
    there = 0
    for missions in sizes:
        _fill(ground, there, missions)
        there = missions
        report.alternate(_contenders(ground, missions))
    _bars(report, sizes)
    return report


def _contenders(ground: Ground, missions: int) -> list[Contender]:
    singles = min(missions, SINGLE)
    tool = partial(_rate, ground)
    working = partial(_by_worker, ground)
    return [
        _contender(f"bare bulk write, {missions:,}", partial(tool, "bare", "bulk", missions)),
        _contender(f"ours, full reindex, {missions:,}", partial(working, "backfill", "full")),
        _contender(
            f"ours, live in bulk, {missions:,}",
            partial(working, "backfill", "jobs", "batches", missions),
        ),
        _contender(
            f"ours, live, a job each, {missions:,}",
            partial(working, "indexing", "jobs", "each", missions),
        ),
        _contender(f"bare single write, of {missions:,}", partial(tool, "bare", "single", singles)),
        _contender(f"ours, single, of {missions:,}", partial(tool, "single", singles)),
    ]


def _contender(name: str, measure: Callable[[], float]) -> Contender:
    return Contender(name=name, measure=measure, unit="missions/s")


def _bars(report: Report, sizes: tuple[int, ...]) -> None:
    most = sizes[-1]
    pairs = {
        f"ours, full reindex, {most:,}": f"bare bulk write, {most:,}",
        f"ours, live in bulk, {most:,}": f"bare bulk write, {most:,}",
        f"ours, live, a job each, {most:,}": f"bare bulk write, {most:,}",
        f"ours, single, of {most:,}": f"bare single write, of {most:,}",
    }
    for ours, other in pairs.items():
        share = report.ratio(ours, other)
        name = f"{ours}, against {other.partition(',')[0]}"
        report.at_least(name, None if share is None else 100 * share, SHARE, "%")
    for what in ("bare bulk write", "ours, full reindex", "ours, live, a job each"):
        report.growth(what, [f"{what}, {missions:,}" for missions in sizes])


def _fill(ground: Ground, there: int, missions: int) -> None:
    with ground.superuser() as connection:
        connection.execute(_SEED, [list(BOTH), there, missions])
        connection.execute("VACUUM ANALYZE tenancy_mission")
    _tool(ground, BOTH[1], "bare", "bulk", missions)


def _by_worker(ground: Ground, group: str, verb: str, *arguments: object) -> float:
    ground.flush()
    _tool(ground, BOTH[0], "recover")
    with ground.worker(*command(group), **SETTINGS) as worker:
        worker.wait(lambda: worker.has_said("ready for action") or is_quiet(worker))
        return _rate(ground, verb, *arguments)


def _rate(ground: Ground, verb: str, *arguments: object) -> float:
    _clear(ground)
    found = _tool(ground, BOTH[0], verb, *arguments)
    return float(found["documents"] / found["seconds"])


def _tool(ground: Ground, of: int, verb: str, *arguments: object) -> dict[str, float]:
    module = [sys.executable, "-m", "benchmarks.ours.indexing", verb, str(of)]
    found: dict[str, float] = ground.tool(*module, *map(str, arguments), **SETTINGS)
    return found


def _clear(ground: Ground) -> None:
    """Every turn begins with the other organization's documents alone; its dead rows are gone."""
    with ground.superuser() as connection:
        connection.execute("DELETE FROM search_document WHERE organization_id = %s", [BOTH[0]])
        connection.execute("UPDATE search_entry SET digest = '' WHERE digest <> ''")
        connection.execute("VACUUM search_document, search_entry")
        connection.execute("CHECKPOINT")
