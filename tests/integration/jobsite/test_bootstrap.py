"""bootstrap.sh: which Python it takes, and what it says when it cannot go on."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TOOLS = (
    *("sh", "cat", "cksum", "dirname", "env", "grep", "head", "printf", "pwd", "rm"),
    *("sed", "sleep", "tail", "uname"),
)


class Clone:
    """A folder with bootstrap.sh in it, and a PATH with the tools and Pythons that we choose."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin, self.wheels = folder / "clone", folder / "bin", folder / "wheels"
        for each in (self.folder / "requirements", self.bin, self.wheels):
            each.mkdir(parents=True)
        shutil.copy(ROOT / "bootstrap.sh", self.folder)
        for tool in TOOLS:
            if found := shutil.which(tool):
                (self.bin / tool).symlink_to(found)
        self.pin("nothing", "1.0", digest="0" * 64)

    def pin(self, name: str, version: str, *, digest: str) -> None:
        lock = self.folder / "requirements" / "runtime.txt"
        lock.write_text(f"{name}=={version} \\\n    --hash=sha256:{digest}\n")

    def add_wheel(self, name: str, version: str) -> str:
        """Make a package that can be installed; gives the digest of its file."""
        wheel = self.wheels / f"{name}-{version}-py3-none-any.whl"
        info = f"{name}-{version}.dist-info"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(f"{name}.py", f"VERSION = {version!r}\n")
            archive.writestr(
                f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            )
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n")
        return hashlib.sha256(wheel.read_bytes()).hexdigest()

    def add_python(self, name: str, script: str) -> Path:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    def add_real_python(self, name: str) -> None:
        self.add_python(name, f'exec "{sys.executable}" "$@"')

    def run(self, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": str(self.bin),
            "HOME": str(self.folder),
            "PIP_NO_INDEX": "1",  # no network: what is not in `wheels` has no wheel
            "PIP_FIND_LINKS": str(self.wheels),
            "PIP_CONFIG_FILE": os.devnull,
        }
        return subprocess.run(
            ["/bin/sh", "bootstrap.sh", "runtime"],
            cwd=self.folder,
            env=environment | variables,
            check=False,
            capture_output=True,
            text=True,
        )


TOO_OLD = """case "$2" in
*version_info*) exit 1 ;;
*python_version*) echo 3.10.2 ;;
esac"""


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def test_without_any_python_it_says_which_one_is_needed(clone: Clone) -> None:
    done = clone.run()
    assert done.returncode == 1
    assert done.stderr.startswith("Python 3.12 or newer is needed: install it")


def test_a_python_that_is_too_old_is_named_with_its_version(clone: Clone) -> None:
    old = clone.add_python("python3", TOO_OLD)
    done = clone.run()
    assert done.returncode == 1
    assert f"Python 3.12 or newer is needed (here: {old} is 3.10.2)" in done.stderr


def test_the_python_that_was_asked_for_is_not_replaced_by_another(clone: Clone) -> None:
    clone.add_real_python("python3.13")
    clone.add_python("python-old", TOO_OLD)
    assert "PYTHON=python-old is Python 3.10.2" in clone.run(PYTHON="python-old").stderr
    assert "PYTHON=/nowhere cannot be run" in clone.run(PYTHON="/nowhere").stderr


def test_a_python_without_venv_says_which_package_brings_it(clone: Clone) -> None:
    script = f"""case "$2" in
*ensurepip*) exit 1 ;;
*) exec "{sys.executable}" "$@" ;;
esac"""
    clone.add_python("python3.13", script)
    done = clone.run()
    assert done.returncode == 1
    assert "comes without venv here: install it" in done.stderr
    assert "-venv)." in done.stderr


def test_a_shim_that_stands_for_nothing_does_not_hide_a_good_python(clone: Clone) -> None:
    clone.add_python("python3.13", "echo 'pyenv: version 3.13 is not installed' >&2; exit 127")
    clone.add_real_python("python3")
    clone.pin("tiny", "1.0", digest=clone.add_wheel("tiny", "1.0"))
    done = clone.run()
    assert (done.returncode, done.stderr) == (0, "")


def test_packages_are_installed_once_and_again_when_the_lock_changes(clone: Clone) -> None:
    clone.add_real_python("python3")
    clone.pin("tiny", "1.0", digest=clone.add_wheel("tiny", "1.0"))
    first, second = clone.run(), clone.run()
    clone.pin("tiny", "2.0", digest=clone.add_wheel("tiny", "2.0"))
    third = clone.run()

    assert "Making .venv" in first.stdout
    assert second.stdout == ""
    assert "Installing the packages" in third.stdout
    assert "Making .venv" not in third.stdout
    assert installed_version(clone, "tiny") == "2.0"


def test_a_folder_that_was_moved_gets_a_new_environment(clone: Clone) -> None:
    clone.add_real_python("python3")
    clone.pin("tiny", "1.0", digest=clone.add_wheel("tiny", "1.0"))
    clone.run()
    clone.folder = clone.folder.rename(clone.folder.with_name("elsewhere"))

    assert "Making .venv" in clone.run().stdout
    assert clone.run().stdout == ""


def test_a_package_without_a_wheel_is_named_with_the_platform(clone: Clone) -> None:
    clone.add_real_python("python3")
    done = clone.run()
    assert done.returncode == 1
    assert done.stderr.startswith("nothing==1.0 has no wheel for this platform (")


def test_a_package_that_differs_from_its_pin_is_not_installed(clone: Clone) -> None:
    clone.add_real_python("python3")
    clone.add_wheel("tiny", "1.0")
    clone.pin("tiny", "1.0", digest="0" * 64)
    done = clone.run()
    assert done.returncode == 1
    assert "differs from the one that requirements/runtime.txt pins" in done.stderr


def installed_version(clone: Clone, name: str) -> str:
    done = subprocess.run(
        [clone.folder / ".venv/bin/python", "-c", f"import {name}; print({name}.VERSION)"],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()
