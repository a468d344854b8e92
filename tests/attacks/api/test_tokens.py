import dataclasses
from datetime import UTC, datetime

import pytest
from django.db import transaction
from django.test import Client

from tenancy import changes, tokens
from tenancy.scope import scope
from tests.factories import tenancy
from tests.factories.api import Caller


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer cp_short", "Bearer cp_{}\x00", "cp_x"],
)
def test_without_a_token_nothing_is_told(victim: Caller, header: str) -> None:
    refused = victim.get("/projects", Authorization=header.format("x" * 43))

    assert refused.status_code == 401
    assert refused["WWW-Authenticate"].startswith("Bearer")
    assert refused["Content-Type"] == "application/problem+json"


def test_a_disabled_account_is_as_unknown_as_one_that_never_was(victim: Caller) -> None:
    with scope(victim.organization), transaction.atomic():
        changes.update(victim.account, disabled_at=datetime.now(UTC))

    refused = victim.get("/projects")
    made_up = dataclasses.replace(victim, token="cp_" + "x" * 43).get("/projects")

    assert refused.status_code == 404
    assert refused.content == made_up.content


def test_a_replaced_token_is_refused_and_the_new_one_accepted(victim: Caller) -> None:
    with scope(victim.organization), transaction.atomic():
        token = tokens.replace(victim.account)

    assert victim.get("/projects").status_code == 404
    assert dataclasses.replace(victim, token=token).get("/projects").status_code == 200


def test_a_token_is_kept_as_a_digest_only(victim: Caller) -> None:
    with scope(victim.organization), transaction.atomic():
        victim.account.refresh_from_db()

    kept = " ".join(str(value) for value in vars(victim.account).values())
    assert victim.account.token_digest == tokens.digest(victim.token)
    assert victim.token not in kept.replace(victim.account.token, "")  # type: ignore[attr-defined]


def test_a_session_of_the_admin_site_opens_no_api(victim: Caller) -> None:
    member = tenancy.member(victim.organization, "owner")
    browser = Client()
    browser.force_login(member)

    refused = browser.get(victim.address("/projects"))

    assert refused.status_code == 401


def test_a_viewer_reads_and_does_not_write(victim: Caller) -> None:
    viewer = Caller.of(victim.organization, role="viewer")

    read = viewer.get("/projects")
    write = viewer.post("/projects", {"code": "X", "name": "X"})

    assert (read.status_code, write.status_code) == (200, 403)
    assert write.json()["code"] == "permission_denied"


def test_a_suspended_organization_is_read_and_not_changed(victim: Caller) -> None:
    from tenancy.scope import operator_scope

    with operator_scope("the test"), transaction.atomic():
        changes.update(victim.organization, state="suspended")

    read = victim.get("/projects")
    write = victim.post("/projects", {"code": "X", "name": "X"})

    assert (read.status_code, write.status_code) == (200, 403)
