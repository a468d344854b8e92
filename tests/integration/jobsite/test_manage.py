"""`python3 manage.py …` by whichever Python comes first on somebody's PATH."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

SOME_PYTHON = Path(sys.base_prefix) / "bin" / "python3"


def run(script: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SOME_PYTHON, "-S", script, *arguments],  # -S: it finds no packages
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
        env=os.environ | variables,
    )


def test_a_python_without_packages_hands_over_to_that_of_the_environment():
    done = run(settings.BASE_DIR / "manage.py", "help", "deadletters")

    assert done.returncode == 0, done.stderr
    assert "usage: manage.py deadletters" in done.stdout


def test_without_an_environment_it_says_what_to_do(tmp_path):
    shutil.copy(settings.BASE_DIR / "manage.py", tmp_path)

    done = run(tmp_path / "manage.py", "migrate")

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "make run" in done.stderr


@pytest.mark.parametrize("variable", ["DATA_DIR", "PORT"])
def test_a_variable_that_cannot_be_used_is_a_sentence(variable):
    done = run(
        settings.BASE_DIR / "manage.py", "migrate", SECRET_KEY="", **{variable: "/dev/null/here"}
    )

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"{variable}='/dev/null/here' cannot be used: ")
