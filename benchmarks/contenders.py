"""The peers' workers: how each is started, and with which settings.

One process with eight threads where a system has threads. Where it has not, its nearest: a hundred
tasks in flight on one event loop (taskiq, arq, saq), eight processes (rq). No results are kept and
nothing is logged of single jobs, since none of that is asked of anyone here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import environment
from benchmarks.ground import Ground
from benchmarks.harness import Contender

MODULES = "benchmarks.peers"


@dataclass(frozen=True, kw_only=True)
class Peer:
    """name: its package, and its file in `peers/`. jobs: of one turn, some seconds' worth."""

    name: str
    program: str
    arguments: Sequence[str]
    jobs: int
    settings: str
    preparation: Sequence[str] = ()

    def contender(self, ground: Ground, *, divide: int = 1) -> Contender:
        """How it is measured once: filled, then drained."""
        return Contender(
            name=self.name,
            measure=lambda: self.drain(ground, self.jobs // divide),
            settings=self.settings,
        )

    def prepare(self, ground: Ground, **variables: str) -> None:
        """Make its tables, where it has any."""
        program = environment.program(self.program)
        ground.tool(program, *self.preparation, **variables)

    def drain(self, ground: Ground, jobs: int, **variables: str) -> float:
        """Jobs a second, the worker's start excluded."""
        program = environment.program(self.program)
        ground.flush()
        fill = [environment.program("python"), "-m", f"{MODULES}.{self.name}", str(jobs)]
        ground.tool(*fill, **variables)
        with ground.worker(program, *self.arguments, **variables) as worker:
            return worker.drain(jobs).rate


ON_REDIS = (
    Peer(
        name="celery",
        program="celery",
        arguments=[
            *("-A", f"{MODULES}.celery", "worker", "--pool", "threads", "--concurrency", "8"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
            *("--loglevel", "WARNING"),
        ],
        jobs=4000,
        settings="pool of 8 threads, prefetch 128, results ignored, no gossip",
    ),
    Peer(
        name="taskiq",
        program="taskiq",
        arguments=[
            *("worker", f"{MODULES}.taskiq:broker", "--workers", "1", "--log-level", "WARNING"),
        ],
        jobs=8000,
        settings="ListQueueBroker, 1 process, 100 async tasks, no result backend",
    ),
    Peer(
        name="huey",
        program="huey_consumer",
        arguments=[f"{MODULES}.huey.huey", "--workers", "8", "--worker-type", "thread", "--quiet"],
        jobs=8000,
        settings="8 threads, results off",
    ),
    Peer(
        name="rq",
        program="rq",
        arguments=[
            *("worker-pool", "--num-workers", "8", "--worker-class", "rq.worker.SimpleWorker"),
            *("--url", "{redis}", "--logging-level", "ERROR"),
        ],
        jobs=1500,
        settings="pool of 8 SimpleWorkers, results off",
    ),
    Peer(
        name="arq",
        program="arq",
        arguments=[f"{MODULES}.arq.WorkerSettings", "--custom-log-dict", f"{MODULES}.arq.QUIET"],
        jobs=4000,
        settings="100 async jobs, poll 10 ms, results off",
    ),
    Peer(
        name="saq",
        program="saq",
        arguments=[f"{MODULES}.saq.settings", "--quiet"],
        jobs=4000,
        settings="100 async jobs, results off",
    ),
)

PROCRASTINATE = Peer(
    name="procrastinate",
    program="procrastinate",
    arguments=["--app", f"{MODULES}.procrastinate.app", "worker", "--concurrency", "8"],
    preparation=["--app", f"{MODULES}.procrastinate.app", "schema", "--apply"],
    jobs=2000,
    settings="8 async jobs, psycopg pool of 10, LISTEN/NOTIFY",
)
