"""manage.py import: from a file to what it wrote, without a browser."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import dramatiq
import pytest
from django.core.management import CommandError, call_command

from tenancy.models import Organization
from tests.factories import tenancy as make
from tests.factories.imports import csv, line


@pytest.fixture
def own(worker: dramatiq.Worker) -> Organization:
    return make.organization()


def bring(file: Path, own: Organization, *words: str) -> str:
    out = StringIO()
    given = ("--organization", str(own.pk), "--operator", make.operator().email)
    call_command("import", str(file), *given, *words, stdout=out)
    return out.getvalue()


def a_file(folder: Path, own: Organization, **values: Any) -> Path:
    mission = make.mission(make.project(own)).reference
    file = folder / "plan.csv"
    file.write_bytes(csv(line("E-1", mission), line("E-2", mission, **values)))
    return file


def test_a_file_is_imported_and_its_counts_are_printed_as_json(
    own: Organization, tmp_path: Path
) -> None:
    told = json.loads(bring(a_file(tmp_path, own), own, "--approve", "--json"))

    assert (told["state"], told["done"]["added"]) == ("completed", 2)


def test_a_dry_run_prints_what_is_wrong_where(own: Organization, tmp_path: Path) -> None:
    told = bring(a_file(tmp_path, own, starts_at="tomorrow"), own, "--wait")

    assert "validated  " in told
    assert "row 3, line 3, column E: " in told


def test_many_bad_rows_are_committed_only_when_confirmed(own: Organization, tmp_path: Path) -> None:
    file = a_file(tmp_path, own, starts_at="tomorrow")

    with pytest.raises(CommandError, match="1 of 2 rows have errors"):
        bring(file, own, "--approve")
    told = bring(file, own, "--approve", "--confirm-errors")

    assert "completed  1 added" in told


def test_questions_are_printed_and_the_status_says_that_it_waits(
    own: Organization, tmp_path: Path
) -> None:
    file = tmp_path / "odd.csv"
    file.write_bytes(csv("a,b", header="strange,external_id"))

    with pytest.raises(CommandError, match="is checked"):
        bring(file, own, "--wait")


def test_a_file_that_cannot_be_read_is_said_and_leaves_no_import(
    own: Organization, tmp_path: Path
) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        bring(tmp_path / "none.csv", own)
