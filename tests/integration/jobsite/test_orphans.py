"""Processes that lost their parent end, those that no longer listen included."""

import subprocess
import sys

# Becomes the parent of a grandchild whose parent has ended, and takes care of it for a while.
TENDING = """
import psutil, subprocess, sys, time
from jobsite.running.orphans import Orphans, adopt

adopt()
subprocess.run([sys.executable, "-c", sys.argv[1]], check=True, stdout=sys.stdout)
orphans = Orphans(grace_seconds=0.2)
until = time.monotonic() + 30
while psutil.Process().children() and time.monotonic() < until:
    orphans.tend([])
    time.sleep(0.05)
print("left:", len(psutil.Process().children()))
"""
LEAVES_A_CHILD = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {child!r}], stdout=subprocess.PIPE, text=True)
child.stdout.readline()
"""
LISTENS = "import time; print(1, flush=True); time.sleep(600)"
DOES_NOT_LISTEN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {LISTENS}"


def left_after_tending(child: str) -> str:
    command = [sys.executable, "-c", TENDING, LEAVES_A_CHILD.format(child=child)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_an_orphan_that_listens_ends() -> None:
    assert left_after_tending(LISTENS) == "left: 0"


def test_an_orphan_that_does_not_listen_is_killed_after_its_grace() -> None:
    assert left_after_tending(DOES_NOT_LISTEN) == "left: 0"
