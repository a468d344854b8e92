"""How fast does a file become entries, against a bare COPY of the same rows?

Ours is the product: a worker process that checks, validates, and commits in chunks, each with its
journal, its audit event and its checkpoint, under row security. Bare COPY writes the same rows into
the same table as superuser, with nothing looked up and nothing kept. Two figures of ours: the pass
that commits, which reads and checks every row again, and the whole journey from the upload on, in
which the file is read three times.
"""

import io
import sys
import time
from functools import partial
from typing import Any

import psutil

from benchmarks import environment
from benchmarks.ground import Ground, Worker
from benchmarks.harness import Contender, Options, Report, Unmeasured
from benchmarks.ours.worker import SETTINGS, Ours, command

ROWS = (10_000, 100_000, 1_000_000)
PATIENCE_SECONDS = 1_800
COLUMNS = (
    "organization_id, mission_id, external_id, kind, title, starts_at, ends_at, location, notes"
)
PEER, PEER_MODULE = "django-import-export", "benchmarks.peers.importing"
PEER_ROWS = ROWS[0]


def run(ground: Ground, options: Options) -> Report:
    """Size by size, turn by turn; every round begins with an empty table."""
    report = Report("imports", options)
    bench = Bench(ground, report)
    peer = Peer(ground, report)
    for rows in options.pick(ROWS, ROWS[:2]):
        for number in range(report.rounds):
            turn = f"{number + 1}/{report.rounds}"
            bench.round(rows, turn)
            if rows == PEER_ROWS:
                peer.round(turn)
    _bars(report, options.pick(ROWS, ROWS[:2]))
    return report


class Bench:
    """One organization that imports, another one that gets the same rows by COPY."""

    def __init__(self, ground: Ground, report: Report) -> None:
        self.ground, self.report = ground, report
        ours = Ours(ground, organizations=2)
        ours.seed()

    def round(self, rows: int, turn: str) -> None:
        """Ours, then bare COPY of what ours wrote."""
        self._empty()
        journey = partial(self._journey, rows)
        self.report.measure(Contender(name=_ours(rows), measure=journey, unit="rows/s"), turn=turn)
        copy = partial(self._bare_copy, rows)
        self.report.measure(Contender(name=_bare(rows), measure=copy, unit="rows/s"), turn=turn)

    def _journey(self, rows: int) -> float:
        with self.ground.worker(*command("backfill"), **SETTINGS) as worker:
            module = [sys.executable, "-m", "benchmarks.ours.importing", str(rows)]
            took: dict[str, float] = self.ground.tool(*module, **SETTINGS)
            peak = _peak_bytes(worker)
        self.report.add(_whole(rows), rows / took["journey"], "rows/s", "check, dry run, commit")
        self.report.add(_dry(rows), rows / took["validate"], "rows/s")
        self.report.add(_memory(rows), peak / 2**20, "MiB", "peak of the worker process")
        return rows / took["commit"]

    def _bare_copy(self, rows: int) -> float:
        with self.ground.superuser() as connection, connection.cursor() as cursor:
            [[first, mission]] = cursor.execute(
                "SELECT organization_id, id FROM tenancy_mission ORDER BY id DESC LIMIT 1"
            ).fetchall()
            entries = io.BytesIO()
            others = COLUMNS.replace("organization_id, mission_id", f"{first}, {mission}")
            with cursor.copy(f"COPY (SELECT {others} FROM tenancy_timelineentry) TO STDOUT") as out:
                for piece in out:
                    entries.write(piece)
            began = time.monotonic()
            with cursor.copy(f"COPY tenancy_timelineentry ({COLUMNS}) FROM STDIN") as copy:
                copy.write(entries.getbuffer())
            took = time.monotonic() - began
            [[written]] = cursor.execute(
                "SELECT count(*) FROM tenancy_timelineentry WHERE mission_id = %s", [mission]
            ).fetchall()
        if written != rows:
            raise Unmeasured(f"{written} of {rows} rows were there to be copied")
        return rows / took

    def _empty(self) -> None:
        self.ground.flush()
        with self.ground.superuser() as connection:
            connection.execute("TRUNCATE tenancy_timelineentry")
            connection.execute("CHECKPOINT")


class Peer:
    """django-import-export in bulk mode, with the model's own validation."""

    def __init__(self, ground: Ground, report: Report) -> None:
        self.ground, self.report = ground, report
        self.environment = {
            "DJANGO_SETTINGS_MODULE": f"{PEER_MODULE}.settings",
            "IMPORT_EXPORT_URL": ground.database("import_export"),
        }
        self.is_ready = False

    def round(self, turn: str) -> None:
        """As many rows as it can do in a while: its rate does not grow with them."""
        self.report.measure(
            Contender(
                name=PEER, measure=self._drive, unit="rows/s", settings="use_bulk, clean, skip_diff"
            ),
            turn=turn,
        )

    def _drive(self) -> float:
        python = environment.program("python")
        if not self.is_ready:
            migrate = ["-m", "django", "migrate", "--run-syncdb", "--verbosity=0"]
            self.ground.tool(python, *migrate, **self.environment)
            self.is_ready = True
        module = ["-m", f"{PEER_MODULE}.drive", str(PEER_ROWS)]
        return float(self.ground.tool(python, *module, **self.environment))


def _bars(report: Report, sizes: tuple[int, ...]) -> None:
    largest = sizes[-1]
    share = report.ratio(_ours(largest), _bare(largest))
    name = f"{largest:,} rows committed, against bare COPY"
    report.at_least(name, None if share is None else 100 * share, 30, "%")
    report.at_least(
        f"{largest:,} rows committed, against {PEER}", report.ratio(_ours(largest), PEER), 50
    )
    growth = report.ratio(_memory(largest), _memory(sizes[0]))
    name = f"peak memory of the worker, {largest:,} rows against {sizes[0]:,}"
    report.at_most(name, growth, 1.25, "×")
    report.growth("the pass that commits", [_ours(rows) for rows in sizes])


def _peak_bytes(worker: Worker) -> int:
    """Of the largest process of the worker, all its life long."""
    tree: list[Any] = [worker.process, *psutil.Process(worker.process.pid).children(recursive=True)]
    peaks = []
    for one in tree:
        with open(f"/proc/{one.pid}/status") as file:
            peaks += [int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM")]
    return max(peaks)


def _ours(rows: int) -> str:
    return f"ours, the pass that commits, {rows:,} rows"


def _whole(rows: int) -> str:
    return f"ours, the whole journey, {rows:,} rows"


def _dry(rows: int) -> str:
    return f"ours, the dry run, {rows:,} rows"


def _bare(rows: int) -> str:
    return f"bare COPY, {rows:,} rows"


def _memory(rows: int) -> str:
    return f"memory, {rows:,} rows"
