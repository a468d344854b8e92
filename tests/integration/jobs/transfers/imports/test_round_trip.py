"""What was exported, imported again as it is, changes nothing; in every format."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import transaction

from jobs.families.transfers.models import Export
from jobs.families.transfers.store import store
from tenancy import changes, members
from tenancy.acting import Actor, acting
from tenancy.models import TimelineEntry
from tenancy.scope import scope
from tests import factories
from tests.factories.exports import export
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

STARTS = datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=UTC)
TITLES = [
    "=1+1", "+49", "-5", "@SUM", "'tis", "''", "'=1", "  =2", "＝1", 'a "b", c; d', "Å\u2028ß",
    "\t=x", "(x)", "true", "00123", "2026-02-30", "null", "\\N", "\\.", "👩‍👩‍👧",
    "(clear)", "'(clear)", "''(clear)", "(clear) sky", "(clear)\t",
]  # fmt: skip


@pytest.fixture
def timeline(transactional_db):
    """An organization with entries that every format has trouble with."""
    mission = factories.mission()
    of = mission.organization
    entries = [
        TimelineEntry(
            organization=of,
            mission=mission,
            external_id=f"E-{n}" if n % 3 else None,
            title=title,
            starts_at=STARTS + timedelta(days=n),
            ends_at=STARTS + timedelta(days=n, hours=1) if n % 2 else None,
            location=title if n % 2 else "",
            notes=f"{title}\nand more" if n % 4 else "",
        )
        for n, title in enumerate(TITLES)
    ]
    with scope(of), acting(Actor.system(), source="command"), transaction.atomic():
        changes.create_many(entries)
    return of


def exported(of, *who, **asked):
    """The file, and its name, as the worker of the test writes it."""
    asked_for = export(of, *who, **asked)

    def look():
        with scope(of), transaction.atomic():
            return Export.objects.filter(pk=asked_for.pk, state="completed").first()

    written = eventually(look, within=30)
    return b"".join(store().open(written.object_key)), written.file_name


@pytest.mark.parametrize("format_name", ["csv", "tsv", "jsonl", "parquet", "xlsx"])
def test_a_timeline_comes_back_unchanged(timeline, validated, format_name):
    file, name = exported(timeline, format_name=format_name)

    of = validated(file, of=timeline, file_name=name)

    assert of.plan["unchanged"] == of.plan["rows"] == len(TITLES), (of.plan, of.issue_counts)


def test_a_roster_comes_back_unchanged(validated, transactional_db):
    of = factories.organization()
    owner = factories.member(of, role="owner")
    factories.member(of, role="viewer", email=f"Upper-{uuid4()}@example.org")
    with scope(of), acting(Actor.user(owner.pk), source="web"), transaction.atomic():
        members.invite(of.pk, email=f"new-{uuid4()}@example.org", role="viewer")
    file, _ = exported(of, Actor.user(owner.pk), kind="roster")

    plan = validated(file, of=of, by=owner, kind="roster").plan

    assert plan["unchanged"] == plan["rows"] == 3, plan
