"""`manage.py search`: the orders of an operator, and what they print."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from jobs.families.search.models import SearchDocument
from tenancy.models import Organization, User
from tests.factories import tenancy as make
from tests.factories.jobs import at
from tests.factories.search import generation, work

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def of() -> Organization:
    """One mission, indexed."""
    of = make.mission().organization
    work(of)
    return of


@pytest.fixture
def order() -> list[str]:
    operator: User = make.operator()
    return ["--operator", operator.email, "--reason", "a test"]


def search(verb: str, of: Organization, *arguments: str) -> list[dict[str, Any]]:
    out = io.StringIO()
    call_command("search", verb, "--organization", of.slug, "--json", *arguments, stdout=out)
    return json.loads(out.getvalue())  # type: ignore[no-any-return]


def test_a_reindex_is_started_watched_and_undone(of: Organization, order: list[str]) -> None:
    old = generation(of)

    [started] = search("reindex", of, *order)
    assert started["outcome"] == "started"
    assert [row["state"] for row in search("status", of)] == ["building", "live"]
    work(of)
    assert generation(of).number == started["generation"]  # type: ignore[union-attr]

    search("swap-back", of, *order)
    assert generation(of) == old


def test_a_second_one_is_refused_in_words(of: Organization, order: list[str]) -> None:
    search("reindex", of, *order)

    with pytest.raises(CommandError, match="is being re-indexed already"):
        search("reindex", of, *order)
    with pytest.raises(CommandError, match="still at work"):
        search("reindex", of, "--resume", *order)


def test_one_that_is_cancelled_makes_room_for_another(of: Organization, order: list[str]) -> None:
    search("reindex", of, *order)

    assert search("reindex", of, "--cancel", *order)[0]["outcome"] == "cancelled"
    assert search("reindex", of, *order)[0]["outcome"] == "started"


def test_a_check_of_a_whole_index_finds_nothing(of: Organization) -> None:
    [found] = search("check", of)

    assert (found["compared"], found["differences"]) == (2, 0)


def test_a_check_that_finds_something_says_so_by_its_exit_status(of: Organization) -> None:
    with at(of):
        SearchDocument.objects.filter(organization=of, kind="mission").update(title="Forged")

    with pytest.raises(SystemExit) as ended:
        search("check", of, "--repair")
    work(of)

    assert ended.value.code == 1
    assert search("check", of)[0]["differences"] == 0


def test_nobody_reindexes_without_a_name_and_a_reason(of: Organization) -> None:
    with pytest.raises(CommandError, match="--operator"):
        search("reindex", of)
    with pytest.raises(CommandError, match="is no operator"):
        search("reindex", of, "--operator", "nobody@example.test", "--reason", "why")


def test_people_get_a_table(of: Organization) -> None:
    out = io.StringIO()

    call_command("search", "check", "--organization", of.slug, stdout=out)

    assert out.getvalue().split()[:2] == ["ORGANIZATION", "COMPARED"]
