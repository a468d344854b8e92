from typing import Any

import pytest

from tests.factories import tenancy
from tests.factories.api import Caller


def _walk(caller: Caller, path: str) -> list[list[int]]:
    pages: list[list[int]] = []
    following: str | None = path
    while following:
        page = caller.get(following.removeprefix(caller.address(""))).json()
        pages.append([one["id"] for one in page["items"]])
        following = page["next"]
    return pages


def test_pages_follow_each_other_newest_first(caller: Caller) -> None:
    made = [tenancy.project(caller.organization).pk for _ in range(5)]

    pages = _walk(caller, "/projects?limit=2")

    newest = made[::-1]
    assert pages == [newest[:2], newest[2:4], newest[4:]]


def test_a_list_that_grows_meanwhile_repeats_and_omits_nothing(caller: Caller) -> None:
    made = [tenancy.project(caller.organization).pk for _ in range(4)]
    first = caller.get("/projects?limit=2").json()

    tenancy.project(caller.organization)
    second = caller.get(first["next"].removeprefix(caller.address(""))).json()

    seen = [one["id"] for one in first["items"] + second["items"]]
    assert seen == made[::-1]


def test_the_next_page_keeps_the_filters(caller: Caller) -> None:
    for _ in range(3):
        tenancy.project(caller.organization)

    following = caller.get("/projects?state=active&limit=2").json()["next"]

    assert "state=active" in following
    assert "limit=2" in following


@pytest.mark.parametrize("limit", ["0", "201", "-1", "many", ""])
def test_a_limit_out_of_range_is_refused(caller: Caller, limit: str) -> None:
    refused = caller.get(f"/projects?limit={limit}")

    assert refused.status_code == 422
    assert _fields(refused) == ["query.limit"]


@pytest.mark.parametrize("cursor", ["", "x", "7", "' OR 1=1 --", "A" * 12, "%00", "A" * 5000])
def test_a_cursor_that_was_never_given_out_is_refused(caller: Caller, cursor: str) -> None:
    refused = caller.get(f"/projects?cursor={cursor}")

    assert refused.status_code == 422
    assert _fields(refused) == ["query.cursor"]


def test_a_misspelled_filter_is_refused_and_not_ignored(caller: Caller) -> None:
    refused = caller.get("/projects?stat=archived")

    assert refused.status_code == 422
    assert _fields(refused) == ["query.stat"]


def _fields(response: Any) -> list[str]:
    return [one["field"] for one in response.json()["errors"]]
