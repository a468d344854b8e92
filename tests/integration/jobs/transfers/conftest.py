"""Both stores, for tests that hold each of them to the same."""

from pathlib import Path
from uuid import uuid4

import pytest

from jobs.families.transfers.store import BucketStore, FileStore, Store


@pytest.fixture
def bucket(s3_endpoint: str) -> BucketStore:
    """A bucket of a real S3; each test has its own prefix in it."""
    return BucketStore("tests", prefix=uuid4().hex, endpoint=s3_endpoint, region="us-east-1")


@pytest.fixture(params=["folder", "bucket"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return FileStore(tmp_path / "objects")
    store: Store = request.getfixturevalue("bucket")
    return store
