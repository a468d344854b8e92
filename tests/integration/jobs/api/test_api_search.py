"""The route that searches missions and projects."""

from typing import Any
from urllib.parse import quote

import pytest

from jobs.families.search import generations
from tests.factories import tenancy as make
from tests.factories.api import Caller
from tests.factories.jobs import at
from tests.factories.search import work

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def caller() -> Caller:
    """A viewer of an organization with four documents that have a pump, one of them a project."""
    project = make.project(name="Pump works", code="PW")
    for number in range(3):
        make.mission(project, title="Pump", reference=f"MSN-{number}")
    work(project.organization)
    return Caller.of(project.organization, role="viewer")


def titles(answer: Any) -> list[str]:
    """Of a page."""
    assert answer.status_code == 200, answer.json()
    return [one["title"] for one in answer.json()["items"]]


def test_a_hit_says_what_it_is(caller: Caller) -> None:
    [hit] = caller.get("/search?q=msn-1").json()["items"]

    assert hit["kind"] == "mission"
    assert hit["reference"] == "MSN-1"
    assert hit["title"] == "Pump"
    assert hit["state"] == "planned"
    assert hit["score"] > 0


def test_filters_narrow(caller: Caller) -> None:
    assert titles(caller.get("/search?q=pump&kind=project")) == ["Pump works"]
    assert titles(caller.get("/search?q=pump&kind=mission&state=planned")) == ["Pump"] * 3
    assert titles(caller.get("/search?q=pump&state=completed")) == []


def test_the_next_page_is_an_address_that_works(caller: Caller) -> None:
    first = caller.get("/search?q=pump&limit=3").json()
    where = first["next"].removeprefix(caller.address(""))

    second = caller.get(where).json()

    assert second["next"] is None
    found = [(one["kind"], one["id"]) for page in (first, second) for one in page["items"]]
    assert len(found) == len(set(found)) == 4


def test_a_cursor_of_an_index_before_answers_410(caller: Caller) -> None:
    where = caller.get("/search?q=pump&limit=1").json()["next"].removeprefix(caller.address(""))
    of = caller.organization
    with at(of):
        generations.swap(generations.begin(of.pk, "a test", per_second=None))

    answer = caller.get(where)

    assert answer.status_code == 410
    assert answer.json()["code"] == "index_changed"


@pytest.mark.parametrize("cursor", ["A" * 27, "_" * 27, "-" * 27])
def test_a_cursor_that_was_made_up_answers_410(caller: Caller, cursor: str) -> None:
    assert caller.get(f"/search?q=pump&cursor={cursor}").status_code == 410


@pytest.mark.parametrize(
    ("text", "word"),
    [("", "nothing_to_find"), ("-pump", "nothing_to_find"), ("x" * 3_000, "too_long")],
)
def test_a_query_without_sense_says_why(caller: Caller, text: str, word: str) -> None:
    answer = caller.get(f"/search?q={quote(text)}")

    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["field"], error["code"]) == ("query.q", word)


@pytest.mark.parametrize("query", ["", "?q=pump&cursor=x", "?q=pump&kind=user", "?q=pump&limit=0"])
def test_what_does_not_fit_is_refused(caller: Caller, query: str) -> None:
    assert caller.get(f"/search{query}").status_code == 422


@pytest.mark.parametrize(
    "text",
    ["*:* pump", "' OR 1=1 --", "organization:other", "\\", "%", "pump\x00", ".*", "pump~2 AND *"],
)
def test_answers_to_hostile_text_are_the_same_whether_others_have_it_or_not(
    caller: Caller, text: str
) -> None:
    address = f"/search?q={quote(text)}"
    before = caller.get(address)
    other = make.mission(title="or 1 1 organization other pump 2 and")
    work(other.organization)

    after = caller.get(address)

    assert before.status_code in (200, 422)
    assert (after.status_code, after.content) == (before.status_code, before.content)
