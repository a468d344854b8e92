"""known_keys: which jobs idempotency keys made."""

import pytest
from django.db import transaction

from jobs.ledger.idempotency import known_keys
from jobs.ledger.models import IdempotencyKey
from tenancy.scope import scope
from tests.factories import organization
from tests.factories.jobs import at, note_type, queued_job

pytestmark = pytest.mark.django_db

SAME = {"entity": ("mission", "1"), "correlation_id": "c"}


def key_of(ref) -> bytes:
    with at(ref.organization_id):
        return bytes(IdempotencyKey.objects.get(job_id=ref.job_id).key)


def test_each_organization_s_key_made_a_job_of_its_own():
    job_type, ours, theirs = note_type(), organization(), organization()
    refs = [queued_job(of, job_type, **SAME) for of in (ours, theirs)]
    key, same = map(key_of, refs)
    assert key == same

    with scope([ours, theirs]), transaction.atomic():
        mine = known_keys([(ours.pk, key)])
        both = known_keys([(ours.pk, key), (theirs.pk, key)])

    assert mine == {(ours.pk, key): refs[0].job_id}
    assert both == {(ref.organization_id, key): ref.job_id for ref in refs}


def test_a_key_that_nobody_wrote_is_not_known():
    of = organization()

    with at(of):
        assert known_keys([(of.pk, bytes(32))]) == {}
