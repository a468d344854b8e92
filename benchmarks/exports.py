"""What does it cost to hand a timeline out, against PostgreSQL's bare COPY of the same table?

Ours: in the organization's scope, joined with the missions, in the order of the key, formulas made
harmless, written to a folder with its digest; the rows are counted in the same snapshot first. The
bare COPY does none of that and throws the bytes away.
"""

import sys
from functools import partial

from benchmarks.ground import Ground
from benchmarks.harness import Contender, Options, Report, Unmeasured
from benchmarks.ours.worker import SETTINGS, Ours
from jobsite.embedded.postgres import SUPERUSER

ROWS = (10_000, 100_000, 1_000_000)
FORMATS = ("csv", "parquet")
FLAT = 1.25
"""Peak memory at the largest size, against the middle one: not more than chance makes of it."""

_SEED = """
    INSERT INTO tenancy_timelineentry
        (organization_id, mission_id, external_id, kind, title, starts_at, ends_at, location, notes)
    SELECT 1, (SELECT min(id) FROM tenancy_mission WHERE organization_id = 1), 'E-' || n, 'task',
        'Entry ' || n, timestamptz '2026-01-01 00:00Z' + n * interval '1 minute',
        timestamptz '2026-01-01 01:00Z' + n * interval '1 minute', 'Hall ' || n %% 100,
        CASE WHEN n %% 50 = 0 THEN E'Two\\nlines' ELSE 'A note of some length' END
    FROM generate_series(%s::bigint + 1, %s::bigint) AS n
"""


def run(ground: Ground, options: Options) -> Report:
    """At three sizes a decade apart: bare, CSV, Parquet, turn by turn."""
    report = Report("exports", options)
    Ours(ground, organizations=2).seed()
    peaks: dict[str, list[float]] = {one: [] for one in FORMATS}
    sizes = [rows // options.pick(1, 20) for rows in ROWS]
    there = 0
    for rows in sizes:
        _fill(ground, there, rows)
        there = rows
        report.alternate(
            [
                Contender(
                    name=_bare(rows), unit="rows/s", measure=partial(_rate, ground, rows, "bare")
                ),
                *(
                    Contender(
                        name=_ours(one, rows),
                        unit="rows/s",
                        measure=partial(_rate, ground, rows, "write", one, peaks=peaks[one]),
                    )
                    for one in FORMATS
                ),
            ]
        )
        for one in FORMATS:
            report.add(f"{one}, {rows:,} rows, peak memory", max(peaks[one]), "MiB")
            peaks[one].clear()
    _bars(report, sizes)
    return report


def _bars(report: Report, sizes: list[int]) -> None:
    _, middle, most = sizes
    for one in FORMATS:
        share = report.ratio(_ours(one, most), _bare(most))
        report.at_least(f"{one} of {most:,} rows, of bare COPY", share, 0.4)
        growth = report.ratio(
            f"{one}, {most:,} rows, peak memory", f"{one}, {middle:,} rows, peak memory"
        )
        report.at_most(f"{one}, peak memory over a decade of rows", growth, FLAT, "×")
        report.growth(one, [_ours(one, rows) for rows in sizes])


def _bare(rows: int) -> str:
    return f"bare COPY, {rows:,} rows"


def _ours(format_name: str, rows: int) -> str:
    return f"ours to {format_name}, {rows:,} rows"


def _fill(ground: Ground, there: int, rows: int) -> None:
    with ground.superuser() as connection:
        if there == 0:
            connection.execute("TRUNCATE tenancy_timelineentry")
        connection.execute(_SEED, [there, rows])
        connection.execute("VACUUM ANALYZE tenancy_timelineentry")


def _rate(ground: Ground, rows: int, *arguments: str, peaks: list[float] | None = None) -> float:
    found = ground.tool(
        *(sys.executable, "-m", "benchmarks.ours.exports", *arguments),
        BARE_URL=ground.places.database_url(SUPERUSER, "control_plane"),
        **SETTINGS,
    )
    if found["rows"] != rows:
        raise Unmeasured(f"{found['rows']:,} rows came out, and {rows:,} are there")
    if peaks is not None:
        peaks.append(found["peak_mib"])
    return float(found["rows"] / found["seconds"])
