"""`manage.py export`: to a file here, or for a worker."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from audit.models import AuditEvent
from jobs.families.transfers.models import Export
from tenancy.models import Organization
from tenancy.scope import scope
from tests.factories import tenancy


@pytest.fixture
def aurora(transactional_db: None, redis_url: str) -> Organization:
    organization = tenancy.organization()
    mission = tenancy.mission(tenancy.project(organization))
    tenancy.timeline_entry(mission, title="Briefing")
    return organization


def run(of: Organization, *arguments: str) -> Any:
    written = io.StringIO()
    order = ("--operator", tenancy.operator().email, "--reason", "asked for", "--json")
    call_command("export", "--organization", of.slug, *order, *arguments, stdout=written)
    return json.loads(written.getvalue())


def test_it_writes_a_file_for_its_owner_alone_and_is_audited(
    aurora: Organization, tmp_path: Path
) -> None:
    path = tmp_path / "out.jsonl"

    told = run(aurora, "--format", "jsonl", "--output", str(path))

    assert (told["rows"], told["bytes"]) == (1, path.stat().st_size)
    assert json.loads(path.read_text())["title"] == "Briefing"
    assert path.stat().st_mode & 0o077 == 0
    with scope(aurora), transaction.atomic():
        assert AuditEvent.objects.filter(organization=aurora, action="export.ordered").exists()


def test_it_overwrites_nothing(aurora: Organization, tmp_path: Path) -> None:
    path = tmp_path / "there"
    path.write_text("mine")

    with pytest.raises(CommandError, match="there already"):
        run(aurora, "--output", str(path))

    assert path.read_text() == "mine"


def test_without_a_file_a_worker_writes_it(aurora: Organization) -> None:
    told = run(aurora, "--format", "parquet")

    with scope(aurora), transaction.atomic():
        export = Export.objects.get(pk=told["id"])
    assert (export.state, export.format, str(export.job_id)) == (
        "queued",
        "parquet",
        told["job_id"],
    )
