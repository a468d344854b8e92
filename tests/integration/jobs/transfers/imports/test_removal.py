"""Files of imports go after their days, and the rows say so."""

import os
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from django.db.models import F

from jobs.families.transfers.errors import NotThere
from jobs.families.transfers.imports import files, removal
from jobs.families.transfers.models import Import
from jobs.families.transfers.store import store
from tenancy import changes
from tenancy.acting import Actor, acting
from tenancy.models import Organization
from tenancy.scope import operator_scope, scope
from tests.factories import organization
from tests.factories.imports import import_row, now

pytestmark = pytest.mark.django_db(transaction=True)


def aged(of, days):
    with acting(Actor.system(), source="command"), operator_scope("a test"), transaction.atomic():
        Import.objects.filter(pk=of.pk).update(
            created_at=F("created_at") - timedelta(days=days),
            finished_at=F("created_at") - timedelta(days=days),
        )


def ended(days):
    of = import_row_with_files()
    aged(of, days)
    return of


def import_row_with_files():
    of = import_row(organization(), state="cancelled", finished_at="2026-01-01T00:00:00Z")
    of.reports = {"bad": {"rows": 1, "key": files.new_report(of, "bad")}}
    for key in (files.upload(of), files.report(of, "bad"), older(of)):
        store().put(key, [b"x"])
    with scope(of.organization_id), transaction.atomic():
        of.save(update_fields=["reports"])
    return of


def older(of):
    """A report that was made for an earlier turn, or by a worker that was killed."""
    return f"{files.reports(of)}0/bad-older"


def is_there(key):
    try:
        return b"".join(store().open(key)) == b"x"
    except NotThere:
        return False


def test_reports_go_after_seven_days_and_the_upload_stays():
    of = ended(days=8)

    removal.tick()

    assert not is_there(files.report(of, "bad"))
    assert not is_there(older(of))
    assert is_there(files.upload(of))
    assert now(of).reports_removed_at is not None
    assert now(of).upload_removed_at is None


def test_the_upload_goes_after_thirty_days():
    of = ended(days=31)

    removal.tick()

    assert not is_there(files.upload(of))
    assert now(of).upload_removed_at is not None


def test_what_is_younger_stays():
    of = ended(days=6)

    removal.tick()

    assert is_there(files.report(of, "bad"))
    assert is_there(files.upload(of))


def test_reports_go_at_once_when_the_organization_is_suspended_and_the_upload_stays():
    of = import_row_with_files()
    other = import_row_with_files()
    for one in (of, other):
        aged(one, days=0)
    suspend(of)

    removal.tick()

    assert not is_there(files.report(of, "bad"))
    assert not is_there(older(of))
    assert is_there(files.upload(of))
    assert now(of).reports == {}
    assert is_there(files.report(other, "bad"))


def test_reports_of_earlier_turns_go_with_suspension_too():
    of = import_row_with_files()
    aged(of, days=0)
    with scope(of.organization_id), transaction.atomic():
        Import.objects.filter(organization_id=of.organization_id, pk=of.pk).update(reports={})

    suspend(of)
    removal.tick()

    assert not is_there(older(of))
    assert is_there(files.upload(of))


def test_an_upload_that_no_row_names_goes_after_a_day(folder):
    of = import_row_with_files()
    orphan = files.upload(Import(organization_id=of.organization_id, pk=uuid4()))
    fresh = files.upload(Import(organization_id=of.organization_id, pk=uuid4()))
    for key in (orphan, fresh):
        store().put(key, [b"x"])
    for key in (orphan, files.upload(of)):
        two_days_ago = time.time() - 2 * 86_400
        os.utime(folder / key, (two_days_ago, two_days_ago))

    removal.sweep()

    assert not is_there(orphan)
    assert is_there(fresh)
    assert is_there(files.upload(of))


def suspend(of):
    with scope(of.organization_id), transaction.atomic():
        changes.update(Organization.objects.get(pk=of.organization_id), state="suspended")
