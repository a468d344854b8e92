"""The job of an export: from the request to a file that can be downloaded."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from jobs.families.transfers.store import manifest_key, store
from tenancy import changes
from tenancy.models import Membership
from tests.factories import tenancy as make

from .conftest import House

type Work = Callable[[], None]


def test_an_export_ends_with_a_file_a_manifest_and_its_events(house: House, work: Work) -> None:
    house.entries({"title": "One"}, {"title": "Two"})
    export = house.ask("csv")

    work()

    done = house.now(export)
    content = house.content(export)
    assert (done.state, done.rows, done.total) == ("completed", 2, 2)
    assert done.bytes == len(content)
    assert done.sha256 == hashlib.sha256(content).hexdigest()
    assert done.expires_at is not None
    assert done.finished_at is not None
    assert (done.expires_at - done.finished_at).days in (6, 7)
    manifest = json.loads(b"".join(store().open(manifest_key(done.object_key))))
    assert manifest == done.manifest
    assert manifest["rows"] == 2
    assert manifest["actor"] == str(house.actor)
    assert manifest["fields"][0] == "external_id"
    assert house.told(export) == ["export.requested", "export.completed"]
    assert house.job(export).state == "succeeded"


def test_an_organization_without_entries_gets_a_header_and_nothing_else(
    exported: Callable[..., bytes],
) -> None:
    header = b"external_id,id,mission,kind,title,starts_at,ends_at,location,notes\n"
    assert exported("csv") == header
    assert exported("jsonl") == b""


def test_what_is_another_organizations_is_in_no_file(
    house: House, exported: Callable[..., bytes]
) -> None:
    other = make.mission(make.project(make.organization("Borealis")))
    make.timeline_entry(other, title="Theirs")
    house.entries({"title": "Ours"})

    lines = exported("jsonl").splitlines()

    assert [json.loads(line)["title"] for line in lines] == ["Ours"]


def test_who_lost_the_right_meanwhile_gets_no_file(house: House, work: Work, folder: Path) -> None:
    export = house.ask("csv")
    member = house.act(lambda: Membership.objects.get(user_id=house.actor.id))
    house.act(lambda: changes.update(member, role="viewer"))

    work()

    assert (house.now(export).state, house.now(export).error) == ("failed", "authorization_revoked")
    assert list(folder.rglob("*.csv")) == []
    assert house.told(export) == ["export.requested", "export.failed"]


def test_who_may_export_timelines_only_gets_no_roster(house: House, work: Work) -> None:
    export = house.ask("csv", kind="roster")
    member = house.act(lambda: Membership.objects.get(user_id=house.actor.id))
    house.act(lambda: changes.update(member, role="editor"))

    work()

    assert (house.now(export).state, house.now(export).error) == ("failed", "authorization_revoked")
