"""The links to exported files: of another organization, too old, changed, or after the right went.

Those of a bucket are the bucket's: tests/integration/jobs/transfers/test_store.py.
"""

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.core import signing
from django.db import transaction
from django.test import Client
from pytest_django import Settings

from audit.models import AuditEvent
from jobs.families.transfers.models import Export
from tenancy import changes
from tenancy.scope import scope
from tests.factories import exports, member
from tests.factories.api import Caller


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path, redis_url: str) -> None:
    settings.OBJECT_STORE = {"folder": tmp_path / "objects"}


@pytest.fixture
def theirs(victim: Caller) -> Export:
    return exports.written_export(victim.organization)


@pytest.fixture
def link(victim: Caller, theirs: Export) -> str:
    """One that B got for its own file."""
    return str(victim.get(f"/exports/{theirs.pk}/file")["Location"])


def opened(caller: Caller, link: str) -> Any:
    """What the link gives to this account."""
    return caller.get(link.removeprefix(caller.address("")))


def _is_nothing(answer: Any) -> bool:
    nowhere = Client().get("/api/v1/organizations/1/files/made-up")
    return (answer.status_code, answer.content) == (404, nowhere.content)


def _denied(caller: Caller, action: str) -> int:
    with scope(caller.organization), transaction.atomic():
        return AuditEvent.objects.filter(organization=caller.organization, action=action).count()


def test_a_file_of_b_answers_as_one_that_is_not_there_and_is_audited(
    mallory: Caller, theirs: Export
) -> None:
    answer = mallory.get(f"/exports/{theirs.pk}/file")

    assert _is_nothing(answer)
    assert _denied(mallory, "access.not_found") == 1


def test_a_link_of_b_opens_nothing_below_a(mallory: Caller, victim: Caller, link: str) -> None:
    moved = link.replace(f"/{victim.organization.pk}/", f"/{mallory.organization.pk}/")

    assert moved != link
    assert _is_nothing(mallory.get(moved.removeprefix(mallory.address(""))))
    assert _is_nothing(Client().get(moved))


def test_71_a_link_opens_for_nobody_but_the_one_whom_it_was_given_to(
    mallory: Caller, victim: Caller, link: str
) -> None:
    colleague = Caller.of(victim.organization, role="owner")
    somebody = Client()
    somebody.force_login(member(victim.organization, "owner"))

    assert _is_nothing(Client().get(link))
    assert _is_nothing(somebody.get(link))
    assert _is_nothing(opened(colleague, link))
    assert _is_nothing(Client().get(link, headers={"Authorization": f"Bearer {mallory.token}"}))
    assert _denied(victim, "access.link_refused") == 1


def test_a_link_is_over_after_three_minutes_and_not_renewed_by_use(
    victim: Caller, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr(signing.time, "time", lambda: now + 170)
    with closing(opened(victim, link)) as answer:
        assert answer.status_code == 200

    monkeypatch.setattr(signing.time, "time", lambda: now + 185)
    assert _is_nothing(opened(victim, link))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda link: link[:-1], id="cut"),
        pytest.param(lambda link: link[:-1] + ("A" if link[-1] != "A" else "B"), id="signature"),
        pytest.param(lambda link: link.replace("/files/", "/files/A", 1), id="content"),
        pytest.param(lambda link: link.replace(":", ":A", 1), id="time"),
    ],
)
def test_a_link_that_was_changed_opens_nothing(
    victim: Caller, link: str, change: Callable[[str], str]
) -> None:
    assert _is_nothing(opened(victim, change(link)))


def test_what_is_asked_for_beside_a_link_changes_nothing(victim: Caller, link: str) -> None:
    with closing(opened(victim, f"{link}?response-content-type=text/html")) as answer:
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert answer["Content-Disposition"].startswith("attachment;")


def test_a_link_is_over_once_its_holder_may_not_export_and_that_is_audited(
    victim: Caller, link: str
) -> None:
    with scope(victim.organization), transaction.atomic():
        changes.update(victim.account, role="viewer")

    assert _is_nothing(opened(victim, link))
    assert _is_nothing(opened(victim, link))
    assert _denied(victim, "access.link_refused") == 1


def test_a_link_is_over_once_the_organization_is_suspended(
    victim: Caller, theirs: Export, link: str
) -> None:
    with scope(victim.organization), transaction.atomic():
        changes.update(victim.organization, state="suspended")

    assert _is_nothing(opened(victim, link))
    assert victim.get(f"/exports/{theirs.pk}/file").status_code == 403


def test_a_link_cannot_be_made_from_another_signed_text(victim: Caller, theirs: Export) -> None:
    forged = signing.dumps({"organization_id": victim.organization.pk, "key": theirs.object_key})

    assert _is_nothing(victim.get(f"/files/{forged}"))
