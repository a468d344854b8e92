"""manage.py queues: what waits, whose it is."""

import json
from io import StringIO

import dramatiq
import pytest
from django.core.management import CommandError, call_command

from jobs.ledger import relay
from tests.factories import organization
from tests.factories.jobs import queued_jobs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def of(redis_url):
    relay.recover()
    return organization()


def queues(*words) -> str:
    out = StringIO()
    call_command("queues", *words, stdout=out)
    return out.getvalue()


def test_shows_each_group_and_the_organizations_that_wait(of):
    queued_jobs(of, 3)

    rows = json.loads(queues("--limit", "100", "--json"))

    assert {one["queue_group"] for one in rows if one["organization"] == "all"} == {
        "notifications", "indexing", "backfill", "audit",
    }  # fmt: skip
    [mine] = [one for one in rows if one["organization_id"] == of.pk]
    assert (mine["queue_group"], mine["organization"], mine["waiting"]) == ("backfill", of.slug, 3)


def test_prints_a_line_each_for_people(of):
    queued_jobs(of, 2)

    title, *lines = queues("--limit", "100").splitlines()

    assert title.startswith("QUEUE GROUP  ")
    [mine] = [line.split() for line in lines if of.slug in line]
    assert mine[:3] == ["backfill", of.slug, "2"]


def test_a_redis_that_is_away_is_a_sentence(live_valkey):
    from jobs.broker.broker import GroupBroker

    away = GroupBroker(url=live_valkey.url)
    live_valkey.kill()
    before = dramatiq.get_broker()
    dramatiq.set_broker(away)
    try:
        with pytest.raises(CommandError):
            queues()
    finally:
        dramatiq.set_broker(before)
        away.close()
