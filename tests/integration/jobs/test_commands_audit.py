"""`manage.py audit`, as its exit status and its words tell it to a person and to a program."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from audit.sealing.tick import installed, seal_next
from audit.verification import offline
from tenancy.models import Organization
from tests import factories, servers

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def organization(settings: Settings) -> Organization:
    settings.AUDIT_LOG_NAME = "example.com/audit"
    made = factories.organization()
    factories.project(made)
    assert seal_next(made.pk, installed()) == 2
    return made


def run(*words: object) -> tuple[int, str]:
    """Exit status and what was printed."""
    out = StringIO()
    try:
        call_command("audit", *map(str, words), stdout=out)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue()
    return 0, out.getvalue()


def changed(organization: Organization) -> str:
    """The id of an event that a superuser changed."""
    with psycopg.connect(servers.current().database_url("postgres")) as superuser:
        superuser.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER audit_no_change")
        row: Any = superuser.execute(
            "UPDATE audit_auditevent SET event = replace(event, 'created', 'deleted')"
            " WHERE organization_id = %s AND target_type = 'project' RETURNING id",
            [organization.pk],
        ).fetchone()
        superuser.execute("ALTER TABLE audit_auditevent ENABLE ALWAYS TRIGGER audit_no_change")
    return str(row[0])


def test_a_whole_log_is_verified(organization: Organization) -> None:
    status, said = run("verify", "--organization", organization.slug, "--json")
    told = json.loads(said)

    assert status == 0
    assert (told["whole"], told["events"], told["findings"]) == (True, 2, [])
    assert "--checkpoint" in told["not_excluded"][0]


def test_a_changed_event_is_named_with_its_seq(organization: Organization) -> None:
    event_id = changed(organization)
    status, said = run("verify", "--organization", organization.pk, "--json")

    assert status == 1
    assert json.loads(said)["findings"] == [
        {
            "kind": "changed",
            "organization_id": organization.pk,
            "first_seq": 2,
            "last_seq": 2,
            "event_id": event_id,
        }
    ]
    status, said = run("verify", "--organization", organization.pk)
    assert status == 1
    assert f"organization {organization.pk}, seq 2: changed, the event is not" in said
    assert said.splitlines()[-1].startswith("TAMPERED: 2 sealed events of 1 organizations")


def test_an_export_is_verified_offline_and_holds_the_log_to_it(
    organization: Organization, tmp_path: Path
) -> None:
    _, keys = run("key")
    (tmp_path / "keys").write_text(keys)
    where = ("--organization", organization.pk)
    assert json.loads(run("export", *where, tmp_path / "copy", "--json")[1])["events"] == 2

    told = offline.look(tmp_path / "copy", tmp_path / "keys", [])
    assert (told["events"], told["findings"]) == (2, [])
    more = ("--checkpoint", tmp_path / "copy", "--key", tmp_path / "keys")
    status, said = run("verify", *where, *more, "--json")
    assert (status, json.loads(said)["not_excluded"]) == (0, [])


def test_what_cannot_be_looked_at_ends_with_2(
    organization: Organization, tmp_path: Path, settings: Settings
) -> None:
    (tmp_path / "x").write_text("x")
    mine = ("--organization", organization.pk)
    for words in (
        ("--organization", "nobody"),
        (*mine, "--checkpoint", tmp_path / "none"),
        (*mine, "--checkpoint", tmp_path / "x"),
        (*mine, "--key", tmp_path / "x"),
        (*mine, "--key", tmp_path / "none"),
    ):
        with pytest.raises(CommandError, match="Could not look") as refused:
            run("verify", *words)
        assert refused.value.returncode == 2
    settings.AUDIT_KEY_FILE = tmp_path / "none.pem"
    with pytest.raises(CommandError, match="cannot be read") as refused:
        run("verify", *mine)
    assert refused.value.returncode == 2
