"""alive: how many processes serve each group now."""

import pytest
from django.db import transaction

from jobs.ledger import figures
from jobs.ledger.statements import run
from tenancy.scope import engine_scope
from tests.factories.jobs import LEASE, fall_silent, worker

pytestmark = pytest.mark.django_db


def alive() -> int:
    """Workers of the group that those of tests serve."""
    with engine_scope(), transaction.atomic():
        return figures.alive(LEASE).get("backfill", 0)


def test_those_that_gave_a_sign_of_life_within_the_lease_are_counted():
    before = alive()
    mine, _ = worker(), worker()

    assert alive() == before + 2
    fall_silent(mine)
    assert alive() == before + 1


def test_one_that_signed_off_is_not_counted():
    before = alive()
    mine = worker()

    with engine_scope(), transaction.atomic():
        run("sign_off", {"id": mine})

    assert alive() == before
