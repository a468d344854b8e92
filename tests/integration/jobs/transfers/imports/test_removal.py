"""Files of imports go after their days, and the rows say so."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import F

from jobs.families.transfers.errors import NotThere
from jobs.families.transfers.imports import files, removal
from jobs.families.transfers.models import Import
from jobs.families.transfers.store import store
from tenancy.acting import Actor, acting
from tenancy.scope import operator_scope
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

    of = import_row(
        organization(), state="cancelled", finished_at="2026-01-01T00:00:00Z", reports={"bad": 1}
    )
    for key in (files.upload(of), files.report(of, "bad")):
        store().put(key, [b"x"])
    return of


def is_there(key):
    try:
        return b"".join(store().open(key)) == b"x"
    except NotThere:
        return False


def test_reports_go_after_seven_days_and_the_upload_stays():
    of = ended(days=8)

    removal.tick()

    assert not is_there(files.report(of, "bad"))
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
