"""The packages of the peers, in an environment of their own: `.venv-peers`.

Not in `.venv`: kombu and arq want a redis client three major versions behind ours. Made when a
benchmark first needs it, from `requirements/peers.txt`, and made anew when that file changes.
"""

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.harness import Unmeasured, say

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv-peers"
LOCK = ROOT / "requirements" / "peers.txt"


def program(name: str) -> str:
    """The path of a program of the peers; makes their environment where it is missing."""
    _make()
    return str(FOLDER / "bin" / name)


def _make() -> None:
    stamp = FOLDER / "installed"
    wanted = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    say("installing the peers' packages in .venv-peers (once) …")
    venv.EnvBuilder(with_pip=True, clear=True).create(FOLDER)
    done = subprocess.run(
        [
            FOLDER / "bin" / "python",
            *("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"),
            *("--only-binary", ":all:", "--require-hashes", "-r", LOCK),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Unmeasured(f"the peers' packages could not be installed: {done.stderr[-500:]}")
    stamp.write_text(wanted)
