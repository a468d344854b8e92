"""The whole way of a file, in a folder and in a real S3 alike."""

import urllib.request
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.utils.http import parse_header_parameters
from pytest_django import Settings

from jobs.families.transfers.errors import NotThere
from jobs.families.transfers.exports import request as exports
from jobs.families.transfers.imports import decide as doors
from jobs.families.transfers.imports import files, report
from jobs.families.transfers.models import Export
from jobs.families.transfers.store import prefix, store
from tenancy.acting import Actor, acting
from tests import factories
from tests.factories.exports import export as asked_for
from tests.factories.imports import csv, decide, line, now
from tests.factories.jobs import at
from tests.integration.jobs.transfers.imports.looking import entries, plan
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, settings: Settings, folder: Path) -> str:
    """Where the objects lie; a folder unless it is the S3's turn."""
    if request.param == "bucket":
        settings.OBJECT_STORE = {
            "bucket": "tests",
            "prefix": uuid4().hex,
            "endpoint": request.getfixturevalue("s3_endpoint"),
            "region": "us-east-1",
        }
    return str(request.param)


def got(key: str) -> bytes:
    return b"".join(store().open(key))


def is_there(key: str) -> bool:
    try:
        return bool(got(key))
    except NotThere:
        return False


def test_a_file_is_kept_as_it_came_reported_mended_committed_and_undone(
    place: str, validated: Any, until: Any
) -> None:
    mission = factories.mission()
    good = [line(f"E-{n}", mission.reference) for n in range(20)]
    file = csv(*good, line("E-20", mission.reference, kind="taks"))
    of = validated(file, of=mission.organization)
    assert plan(of) == {"added": 20, "failed": 1}
    assert got(files.upload(of)) == file

    eventually(lambda: "bad" in now(of).reports, within=30)
    of = now(of)
    header, bad = got(files.report(of, "bad")).decode().splitlines()
    mended = f"{header}\n{bad.replace('taks', 'task')}\n".encode()
    second = until(
        decide(doors.approve, validated(mended, of=mission.organization)), "completed", "stopped"
    )
    first = until(decide(doors.approve, of), "completed", "stopped")
    assert (first.state, second.state) == ("completed", "completed")
    assert set(entries(first)) == {f"E-{n}" for n in range(21)}

    assert until(decide(doors.undo, first), "undone", "stopped").state == "undone"
    assert set(entries(first)) == {"E-20"}


def test_a_file_that_was_exchanged_in_the_store_is_not_committed(
    place: str, validated: Any, until: Any
) -> None:
    mission = factories.mission()
    of = validated(csv(line("E-1", mission.reference)), of=mission.organization)
    store().put(files.upload(of), [csv(line("X-1", mission.reference))])

    of = until(decide(doors.approve, of), "completed", "stopped")

    assert (of.state, of.reason, entries(of)) == ("stopped", "file_changed", {})


def test_links_to_a_report_and_to_an_export_give_them_as_files(
    place: str, validated: Any, client: Any
) -> None:
    mission = factories.mission()
    editor = factories.member(mission.organization, role="editor")
    rows = [line(f"E-{n}", mission.reference) for n in range(9)]
    bad = line("E-9", mission.reference, kind="taks")
    of = validated(csv(*rows, bad), of=mission.organization, by=editor)
    eventually(lambda: "bad" in now(of).reports, within=30)
    client.force_login(editor)

    with at(mission.organization), acting(Actor.user(editor.pk), source="web"):
        address = report.link(now(of), "bad")
    body, name = fetched(client, address)
    assert b"taks" in body
    assert name.endswith(".csv")

    admin = factories.member(mission.organization, role="admin")
    client.force_login(admin)
    export = written(asked_for(mission.organization, Actor.user(admin.pk)))
    with at(mission.organization), acting(Actor.user(admin.pk), source="web"):
        address = exports.download(export)
    body, name = fetched(client, address)
    assert (body, name) == (got(export.object_key), export.file_name)


def test_what_an_organization_has_goes_at_once(place: str, validated: Any) -> None:
    mission = factories.mission()
    of = validated(csv(line("E-1", mission.reference)), of=mission.organization)
    other = validated(csv(line("E-1", "M-0")), of=factories.organization())

    store().delete_below(prefix(of.organization_id))

    assert (is_there(files.upload(of)), is_there(files.upload(other))) == (False, True)


def written(asked: Export) -> Export:
    """As the worker of the test leaves it."""

    def look() -> Export | None:
        with at(asked.organization_id):
            return Export.objects.filter(pk=asked.pk, state="completed").first()

    return eventually(look, within=30)


def fetched(client: Any, address: str) -> tuple[bytes, str]:
    """What an address gives, and under which name: ours, or the bucket's own."""
    if address.startswith("/"):
        answer = client.get(address)
        assert answer.status_code == 200, answer
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        disposition = answer["Content-Disposition"]
    else:
        with urllib.request.urlopen(address) as answer:
            body, disposition = answer.read(), answer.headers["Content-Disposition"]
    kind, options = parse_header_parameters(disposition)
    assert kind == "attachment"
    return body, options["filename"]
