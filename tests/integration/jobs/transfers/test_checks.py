"""The start-up check of the object store's settings."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from jobs.families.transfers.checks import CREDENTIALS, check_object_store

BUCKET = {"bucket": "b", "prefix": "", "endpoint": "https://s3.example.com", "region": "x"}


@pytest.mark.parametrize("name", ["objects", "not/yet/there"])
def test_a_folder_that_can_be_made_and_written_is_fine(
    settings: Settings, tmp_path: Path, name: str
) -> None:
    settings.OBJECT_STORE = {"folder": tmp_path / name}

    assert check_object_store() == []


def test_a_folder_below_a_file_is_told_with_a_hint(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings.OBJECT_STORE = {"folder": tmp_path / "file" / "objects"}

    [found] = check_object_store()

    assert found.id == "jobs.E020"
    assert str(tmp_path / "file") in found.msg
    assert found.hint


def test_a_bucket_of_ones_own_without_credentials_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OBJECT_STORE = BUCKET
    for name in CREDENTIALS:
        monkeypatch.delenv(name, raising=False)

    assert [one.id for one in check_object_store()] == ["jobs.W020"]

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    assert check_object_store() == []
