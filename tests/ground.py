"""The temporary folder of one test run: made by its first process, shared by the workers."""

import fcntl
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

# Not TMPDIR: sockets lie in it, and their paths must be short.
TMP = Path("/tmp")
PREFIX = f"control-plane-tests-{os.getuid()}-"
VARIABLE = "CONTROL_PLANE_TEST_GROUND"


@dataclass(frozen=True, kw_only=True)
class Ground:
    folder: Path
    mine: bool  # whether this process made it, and removes it
    lock: int | None  # held as long as the run lives

    @classmethod
    def of_this_run(cls) -> "Ground":
        if "PYTEST_XDIST_WORKER" in os.environ:
            return cls(folder=Path(os.environ[VARIABLE]), mine=False, lock=None)
        sweep()
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=TMP))
        folder.chmod(0o711)  # as root, PostgreSQL runs as another user and must pass through
        os.environ[VARIABLE] = str(folder)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        return cls(folder=folder, mine=True, lock=lock)

    @property
    def run(self) -> str:
        """A short name of the run, for the databases that it makes."""
        return self.folder.name.removeprefix(PREFIX).lower()

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.lock is not None:
            os.close(self.lock)


def sweep() -> None:
    """Remove the folders of runs that were killed before they could."""
    for folder in TMP.glob(f"{PREFIX}*"):
        try:
            lock = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
        except OSError:  # just being made, or gone already
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)
