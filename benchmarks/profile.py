"""Where does a busy worker's time go, and what is the next bottleneck?

py-spy looks 200 times a second into the worker of the ledger benchmark (full life, effect in SQL):
once at the thread that holds the interpreter, which is what Python costs, and once at all threads,
which is what jobs wait for. PostgreSQL's share is read from its own processes.
"""

import subprocess
from collections import Counter
from pathlib import Path

import psutil

from benchmarks import environment, ticks
from benchmarks.ground import Ground, Worker
from benchmarks.harness import Options, Report, Unmeasured
from benchmarks.ours.worker import SETTINGS, Ours, command

SHOWN = 12
RATE = 200  # looks a second
JOB_TYPE = "sql_effect"
HERE = ("jobs/", "tenancy/", "audit/", "benchmarks/")

Stacks = Counter[tuple[str, ...]]


def run(ground: Ground, options: Options) -> Report:
    """Figures of one busy worker, and its hottest frames as notes."""
    report = Report("profile", options)
    ours, seconds = Ours(ground), options.pick(10, 4)
    ours.seed()
    ours.fill(JOB_TYPE, options.pick(60_000, 10_000))
    with ground.worker(*command("backfill"), **SETTINGS) as worker:
        worker.drain(200)
        process = _busiest(worker)
        python, servers = _spent([process]), _spent(_backends())
        began = ticks.read(worker.folder)
        holding = _stacks(process.pid, seconds, worker.folder / "gil", "--gil")
        everything = _stacks(process.pid, seconds, worker.folder / "all", "--idle")
        ended = ticks.read(worker.folder)
        python, servers = _spent([process]) - python, _spent(_backends()) - servers
    jobs, took = ended.ticks - began.ticks, ended.last - began.last
    report.add("full life, while looked at", jobs / took, "jobs/s")
    report.add("the worker's processor", 1e6 * python / jobs, "µs a job")
    report.add("PostgreSQL's processor", 1e6 * servers / jobs, "µs a job")
    report.add("interpreter held", 100 * holding.total() / (seconds * RATE), "%")
    working = Counter({stack: n for stack, n in everything.items() if _runs_a_job(stack)})
    for title, stacks in (("the interpreter is held", holding), ("jobs are", working)):
        report.notes += ["", f"where {title}, by our own innermost frame", *_top(stacks, _own)]
        report.notes += ["", f"where {title}, by innermost frame", *_top(stacks, _innermost)]
    return report


def _busiest(worker: Worker) -> psutil.Process:
    """Of dramatiq's processes, the one that runs jobs."""
    return max(worker.processes(), key=lambda one: sum(one.cpu_times()[:2]))


def _backends() -> list[psutil.Process]:
    mine = psutil.Process().children(recursive=True)
    return [one for one in mine if one.name().startswith("postgres")]


def _spent(processes: list[psutil.Process]) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in processes)


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
    return any(frame.startswith("run_job ") for frame in stack)


def _own(stack: tuple[str, ...]) -> str:
    """The innermost frame of this project: which of our steps it is for."""
    ours = [frame for frame in stack if any(f"({app}" in frame for app in HERE)]
    return ours[-1] if ours else _innermost(stack)


def _innermost(stack: tuple[str, ...]) -> str:
    return stack[-1]


def _top(stacks: Stacks, frame_of: object) -> list[str]:
    assert callable(frame_of)
    shares: Counter[str] = Counter()
    for stack, times in stacks.items():
        shares[frame_of(stack)] += times
    total = max(shares.total(), 1)
    return [f"  {100 * n / total:4.1f} %  {frame}" for frame, n in shares.most_common(SHOWN)]
