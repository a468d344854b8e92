"""Where does a busy worker's time go, and what is the next bottleneck?

py-spy looks 200 times a second into a worker that runs no-ops on the broker alone, and into one
that runs full lives with an effect in SQL: once at the thread that holds the interpreter, which is
what Python costs, and once at all threads, which is what jobs wait for. What PostgreSQL does
meanwhile is read from pg_stat_statements.
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil

from benchmarks import environment, ticks
from benchmarks.broker import BARE, DRAMATIQ
from benchmarks.ground import Ground, Worker
from benchmarks.harness import Options, Report, Unmeasured
from benchmarks.ours.worker import SETTINGS, Ours, command

SHOWN = 12
RATE = 200  # looks a second
JOB_TYPE = "sql_effect"
HERE = ("jobs/", "tenancy/", "audit/", "benchmarks/")

# Planning is counted too: a statement that is never prepared shows it.
POSTGRES = [
    *("-c", "shared_preload_libraries=pg_stat_statements"),
    *("-c", "pg_stat_statements.track=all", "-c", "pg_stat_statements.track_planning=on"),
]
_STATEMENTS = r"""
    SELECT total_exec_time + total_plan_time, calls,
           left(regexp_replace(query, '\s+', ' ', 'g'), 100)
      FROM pg_stat_statements ORDER BY 1 DESC LIMIT %s
"""

Stacks = Counter[tuple[str, ...]]


def run(ground: Ground, options: Options) -> Report:
    """Figures of two busy workers, with their hottest frames and statements as notes."""
    report, seconds = Report("profile", options), options.pick(10, 4)
    ground.tool(sys.executable, "-m", BARE, "fill", str(30_000 * seconds), "10000")
    with ground.worker(*DRAMATIQ, BARE) as worker:
        _look(report, "broker alone", ground, worker, seconds)
    ours = Ours(ground)
    ours.seed()
    ours.fill(JOB_TYPE, 6000 * seconds)
    with ground.superuser() as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")
    with ground.worker(*command("backfill"), **SETTINGS) as worker:
        jobs = _look(report, "full life", ground, worker, seconds)
    with ground.superuser() as connection:
        statements = connection.execute(_STATEMENTS, [SHOWN]).fetchall()
    report.notes += ["", "full life: what PostgreSQL executes, triggers and key checks included"]
    report.notes += [
        f"  {1000 * milliseconds / jobs:6.0f} µs a job, {calls / jobs:5.2f} calls  {text}"
        for milliseconds, calls, text in statements
    ]
    return report


def _look(report: Report, what: str, ground: Ground, worker: Worker, seconds: int) -> int:
    """Profile a worker that has enough to do; returns how many jobs it ran meanwhile."""
    worker.drain(200)
    process = max(worker.processes(), key=lambda one: one.num_threads())
    used, began = _used(process), ticks.read(worker.folder)
    holding = _stacks(process.pid, seconds, worker.folder / "gil", "--gil")
    everything = _stacks(process.pid, seconds, worker.folder / "all", "--idle")
    ended = ticks.read(worker.folder)
    jobs = ended.ticks - began.ticks
    report.add(f"{what}, while looked at", jobs / (ended.last - began.last), "jobs/s")
    for name, spent in _used(process).items():
        report.add(f"{what}, processor of {name}", 1e6 * (spent - used[name]) / jobs, "µs a job")
    report.add(f"{what}, interpreter held", 100 * holding.total() / (seconds * RATE), "%")
    waiting = Counter({stack: n for stack, n in everything.items() if _runs_a_job(stack)})
    for title, stacks in (("the interpreter is held", holding), ("jobs are", waiting)):
        for frames, frame_of in (("our own innermost", _own), ("innermost", _innermost)):
            report.notes += ["", f"{what}: where {title}, by {frames} frame"]
            report.notes += _top(stacks, frame_of)
    return jobs


def _used(worker: psutil.Process) -> dict[str, float]:
    """Processor seconds so far of the worker and of both servers."""
    servers = psutil.Process().children(recursive=True)
    groups = {
        "the worker": [worker],
        "PostgreSQL": [one for one in servers if one.name().startswith("postgres")],
        "Valkey": [one for one in servers if one.name().startswith("valkey")],
    }
    return {name: sum(sum(one.cpu_times()[:2]) for one in group) for name, group in groups.items()}


def _stacks(pid: int, seconds: int, file: Path, *what: str) -> Stacks:
    look = [environment.program("py-spy"), "record", "--pid", str(pid), "--format", "raw"]
    timing = ["--duration", str(seconds), "--rate", str(RATE), "--output", str(file)]
    done = subprocess.run([*look, *timing, *what], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unmeasured(f"py-spy: {done.stderr.strip()[-500:]}")
    stacks: Stacks = Counter()
    for line in file.read_text().splitlines():
        stack, _, times = line.rpartition(" ")
        stacks[tuple(stack.split(";"))] += int(times)
    return stacks


def _runs_a_job(stack: tuple[str, ...]) -> bool:
    return any(frame.startswith(("run_job ", "noop ")) for frame in stack)


def _own(stack: tuple[str, ...]) -> str:
    """The innermost frame of this project: which of our steps it is for."""
    ours = [frame for frame in stack if any(f"({app}" in frame for app in HERE)]
    return ours[-1] if ours else _innermost(stack)


def _innermost(stack: tuple[str, ...]) -> str:
    return stack[-1]


def _top(stacks: Stacks, frame_of: Callable[[tuple[str, ...]], str]) -> list[str]:
    shares: Counter[str] = Counter()
    for stack, times in stacks.items():
        shares[frame_of(stack)] += times
    total = max(shares.total(), 1)
    return [f"  {100 * n / total:4.1f} %  {frame}" for frame, n in shares.most_common(SHOWN)]
