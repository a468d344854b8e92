"""Break operations one by one; exits with 1 if the tests stay green for one of them.

With 2 where the project has gone on and a mutation has not.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree, ignore_patterns
from tempfile import TemporaryDirectory

from tests.mutation import Mutation
from tests.mutation.execution import MUTATIONS as EXECUTION
from tests.mutation.lua import MUTATIONS as LUA
from tests.mutation.sql import MUTATIONS as SQL
from tests.servers import TestServers

ROOT = Path(__file__).parents[2]
LEFT_OUT = ignore_patterns(".git", ".venv*", "var", "node_modules", ".*_cache", "__pycache__")
PATIENCE_SECONDS = 300  # a break that makes the tests wait for ever is noticed, too


def main(words: list[str]) -> int:
    chosen = [one for one in (*LUA, *SQL, *EXECUTION) if all(word in one.what for word in words)]
    if outdated := [
        one.what for one in chosen if (ROOT / one.path).read_text().count(one.old) != 1
    ]:
        print(
            "These find nothing to replace, or more than once; bring them up to date:",
            *outdated,
            sep="\n",
        )
        return 2
    survivors = 0
    with TemporaryDirectory(prefix="mutation-") as folder, ground() as servers:
        copy = Path(folder) / "project"
        copytree(ROOT, copy, ignore=LEFT_OUT)
        for mutation in chosen:
            began = time.monotonic()
            red = caught(mutation, copy)
            servers.drop_database()
            survivors += red is None
            print(
                f"{'caught' if red else 'SURVIVED':8} {time.monotonic() - began:5.1f} s  "
                f"{mutation.what}{f'  [{red}]' if red else ''}",
                flush=True,
            )
    print(f"{len(chosen) - survivors} of {len(chosen)} caught")
    return 1 if survivors else 0


@contextmanager
def ground() -> Iterator[TestServers]:
    """A PostgreSQL for all runs, which are to this process what its workers are to xdist's."""
    servers = TestServers()
    try:
        servers.start_postgres()
        os.environ["PYTEST_XDIST_WORKER"] = "main"
        yield servers
    finally:
        servers.stop()


def caught(mutation: Mutation, copy: Path) -> str | None:
    """The first test that goes red, or None."""
    path = copy / mutation.path
    whole = path.read_text()
    path.write_text(whole.replace(mutation.old, mutation.new))
    try:
        pytest = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
        run = subprocess.run(
            [*pytest, *mutation.tests],
            cwd=copy,
            env=os.environ | {"MODEL_SHRINK": "0"},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return "hangs"
    finally:
        path.write_text(whole)
    if run.returncode == 0:
        return None
    failed = [line for line in run.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[0].split("::")[-1].split(" - ")[0] if failed else run.stdout[-300:]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
