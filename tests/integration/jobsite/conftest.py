"""Folders for servers of a test's own."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jobsite.embedded.places import Places


@contextmanager
def own_folder() -> Iterator[Path]:
    """A short one, for the sockets, that the server's user can pass through when we are root."""
    folder = Path(tempfile.mkdtemp(prefix="own-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def places() -> Iterator[Places]:
    with own_folder() as folder:
        yield Places(data=folder / "data", sockets=folder / "s")


@pytest.fixture(scope="module")
def lasting_places() -> Iterator[Places]:
    """The same for all tests of a module: making PostgreSQL's data takes a second."""
    with own_folder() as folder:
        yield Places(data=folder / "data", sockets=folder / "s")
