"""The servers of a test run end with it."""

import os
import subprocess
import sys

from tests import servers

LEAKY = """
import os

def test_leaves_a_file_open(redis_url):
    print("on the ground", os.environ["CONTROL_PLANE_TEST_GROUND"])
    kept = [open(__file__)]
    kept.append(kept)  # so that it is found at the end of the run
"""


def test_a_run_that_ends_in_an_error_stops_its_servers_and_clears_its_ground(tmp_path):
    leaky = tmp_path / "test_leaky.py"
    leaky.write_text(LEAKY)
    ours = ("PYTEST_", "TEST_", "CONTROL_PLANE_TEST_GROUND")

    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tests.conftest",
            "-c",
            "pyproject.toml",
            "-s",
            leaky,
        ],
        cwd=servers.ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith(ours)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "unclosed file" in ended.stderr
    assert "still running" not in ended.stderr
    [ground] = [line.split()[-1] for line in ended.stdout.splitlines() if "on the ground" in line]
    assert not os.path.exists(ground)
