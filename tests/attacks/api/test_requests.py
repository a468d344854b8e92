"""Requests that no honest client sends."""

import json
from typing import Any

import pytest
from django.test import Client

from tests.factories import tenancy
from tests.factories.api import Caller

IDS = ["0", "-1", "1e9", "01", "1 OR 1=1", "1;DROP TABLE", "%00", "٣", "9" * 30, "../7", "null"]


@pytest.mark.parametrize("key", IDS)
def test_an_id_that_can_be_nobodys_is_not_found(mallory: Caller, key: str) -> None:
    assert mallory.get(f"/projects/{key}").status_code == 404


@pytest.mark.parametrize("key", IDS)
def test_an_organization_that_can_be_nobodys_is_not_found(mallory: Caller, key: str) -> None:
    client = Client(headers={"Authorization": f"Bearer {mallory.token}"})

    assert client.get(f"/api/v1/organizations/{key}/projects").status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b'{"code": NaN, "name": "x"}', 400),
        (b"[" * 100_000, 400),
        (b"[]", 422),
        (b"null", 422),
        (b'{"code": "a\\u0000b", "name": "x"}', 422),
        (b'{"code": "\\ud800", "name": "x"}', 422),
        (b'{"code": "a\\r\\nBcc: b@example.org", "name": "x"}', 422),
        (b'{"code": "x", "name": "' + b"x" * 300 + b'"}', 422),
        (b'{"code": "x", "name": "x", "organization_id": 1}', 422),
        (b'{"code": {"$gt": ""}, "name": ["x"]}', 422),
    ],
)
def test_a_body_that_is_not_what_was_asked_for_is_refused(
    mallory: Caller, body: bytes, status: int
) -> None:
    refused = _post(mallory, body)

    assert refused.status_code == status
    assert refused["Content-Type"] == "application/problem+json"
    assert mallory.get("/projects").json()["items"] == []


def test_a_huge_body_is_refused_before_it_is_read(mallory: Caller) -> None:
    body = json.dumps({"code": "x", "name": "x" * 2_000_000}).encode()

    assert _post(mallory, body).status_code == 413


def test_a_body_in_chunks_is_refused_and_not_read_as_empty(mallory: Caller) -> None:
    refused = mallory.post(
        "/projects", {"code": "x", "name": "x"}, **{"Transfer-Encoding": "chunked"}
    )

    assert (refused.status_code, refused.json()["code"]) == (411, "length_required")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "application/json; charset=utf-16",
        "",
    ],
)
def test_only_json_is_read(mallory: Caller, content_type: str) -> None:
    refused = _post(mallory, b'{"code": "x", "name": "x"}', content_type=content_type)

    assert refused.status_code == 415


def test_a_method_that_an_address_does_not_know_is_told_which_it_knows(mallory: Caller) -> None:
    refused = mallory.delete("/projects")

    assert refused.status_code == 405
    assert set(refused["Allow"].split(", ")) == {"GET", "POST"}
    assert refused["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/api/", "/api/v1/nothing", "/api/v2/organizations/1/projects"])
def test_an_address_that_is_not_there_is_a_problem_too(client: Client, path: str) -> None:
    answered = client.get(path)

    assert answered.status_code == 404
    assert answered["Content-Type"] == "application/problem+json"
    assert answered.json()["code"] == "not_found"


def test_a_foreign_host_is_a_problem_too(mallory: Caller) -> None:
    refused = mallory.get("/projects", Host="evil.example")

    assert refused.status_code == 400
    assert refused["Content-Type"] == "application/problem+json"


def test_a_correlation_id_is_echoed(mallory: Caller) -> None:
    answered = mallory.get("/projects", **{"X-Correlation-ID": "order-7:retry"})

    assert answered["X-Correlation-ID"] == "order-7:retry"


@pytest.mark.parametrize("given", ["x" * 129, "a b", "a\tb", "é", "a\x00b"])
def test_a_correlation_id_that_could_break_a_log_is_replaced(mallory: Caller, given: str) -> None:
    answered = mallory.get("/projects", **{"X-Correlation-ID": given})

    assert answered.status_code == 200
    assert answered["X-Correlation-ID"] != given
    assert len(answered["X-Correlation-ID"]) == 36


def test_markup_comes_back_as_json_that_no_browser_renders(mallory: Caller) -> None:
    tenancy.project(mallory.organization, name="<script>alert(1)</script>")

    listed = mallory.get("/projects")

    assert listed["Content-Type"].startswith("application/json")
    assert listed["X-Content-Type-Options"] == "nosniff"
    assert listed["Cache-Control"] == "no-store"


def _post(caller: Caller, body: bytes, content_type: str = "application/json") -> Any:
    client = Client(headers={"Authorization": f"Bearer {caller.token}"})
    return client.generic("POST", caller.address("/projects"), body, content_type=content_type)
