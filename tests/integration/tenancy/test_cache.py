"""The cache of an organization: its own, and nobody's outside a scope."""

from datetime import timedelta

import pytest
from pytest_django import Settings
from redis import Redis

from tenancy import cache
from tenancy.errors import NoScope
from tenancy.scope import engine_scope, operator_scope, scope
from tests import factories

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def test_a_value_is_kept_and_dropped(redis_url: str) -> None:
    with scope(factories.organization()):
        cache.put("options", {"a": [1, None]}, keep_for=MINUTE)
        assert cache.get("options") == {"a": [1, None]}

        cache.forget("options")
        assert cache.get("options") is None


def test_the_same_name_of_another_organization_is_another_entry(redis_url: str) -> None:
    mine, other = factories.organization(), factories.organization()
    with scope(other):
        cache.put("options", "theirs", keep_for=MINUTE)

    with scope(mine):
        assert cache.get("options") is None
        cache.forget("options")

    with scope(other):
        assert cache.get("options") == "theirs"


def test_outside_a_scope_of_one_organization_there_is_no_cache(redis_url: str) -> None:
    pair = [factories.organization(), factories.organization()]

    for around in (scope(pair), scope([]), operator_scope("a look"), engine_scope()):
        with around, pytest.raises(NoScope):
            cache.get("options")
    for call in (cache.get, cache.forget):
        with pytest.raises(NoScope):
            call("options")
    with pytest.raises(NoScope):
        cache.put("options", 1, keep_for=MINUTE)


def test_an_entry_lies_under_its_organization_and_ends(redis_url: str) -> None:
    organization = factories.organization()

    with scope(organization):
        cache.put("options", 1, keep_for=MINUTE)

    with Redis.from_url(redis_url) as client:
        assert 0 < client.pttl(f"org:{organization.pk}:cache:options") <= 60_000


def test_a_redis_that_does_not_answer_is_a_miss(settings: Settings) -> None:
    settings.REDIS_URL = "unix:///nowhere/at/all"

    with scope(factories.organization()):
        cache.put("options", 1, keep_for=MINUTE)
        assert cache.get("options") is None
