"""`manage.py check --deploy` tells what somebody could do to the log."""

from pathlib import Path

import psycopg
import pytest
from django.db import connection, transaction
from pytest_django import Settings

from audit.checks import _LOOSE, check_append_only, check_key
from audit.sealing import keys
from tests import servers


@pytest.mark.django_db
def test_as_it_is_nothing_can_be_done() -> None:
    assert check_append_only(databases=["default"]) == []


LOOSENED = {
    "GRANT UPDATE ON audit_auditevent TO app": "app may UPDATE audit_auditevent",
    "GRANT DELETE ON audit_pending TO engine": "engine may DELETE audit_pending",
    "GRANT INSERT ON audit_auditbatch TO operator": "operator may INSERT audit_auditbatch",
    "GRANT INSERT (id) ON audit_auditevent TO app": "app may write the column id",
    "GRANT owner TO postgres": "postgres may become owner",
    "ALTER TABLE audit_auditevent DISABLE TRIGGER audit_queue": "audit_queue on audit_auditevent",
    "ALTER TABLE audit_auditbatch ENABLE TRIGGER audit_no_change": "can be switched off",
    "DROP TRIGGER audit_no_truncate ON audit_auditevent": "audit_no_truncate",
    "ALTER TABLE audit_auditbatch NO FORCE ROW LEVEL SECURITY": "not forced on audit_auditbatch",
    "SELECT 1": "postgres is above all rights",
}


@pytest.mark.django_db
def test_whatever_is_loosened_is_told() -> None:
    with psycopg.connect(servers.current().database_url("postgres")) as superuser:
        for statement, told in LOOSENED.items():
            superuser.execute(statement)
            found = [text for (text,) in superuser.execute(_LOOSE)]
            assert any(told in text for text in found), (told, found)
            superuser.rollback()


@pytest.mark.django_db
def test_the_check_says_it_as_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.checks._LOOSE", "SELECT 'app may DELETE x'")

    [said] = check_append_only(databases=["default"])
    assert "app may DELETE x" in said.msg
    assert said.is_serious()
    assert check_append_only() == []


@pytest.mark.django_db
def test_a_database_that_cannot_be_asked_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.checks._LOOSE", "SELECT FROM nowhere")
    with transaction.atomic():
        [said] = check_append_only(databases=["default"])
        transaction.set_rollback(True)

    assert "nowhere" in said.msg
    assert connection.is_usable()


def test_a_key_that_is_shared_and_there_is_asked_for(settings: Settings, tmp_path: Path) -> None:
    assert [said.id for said in check_key()] == ["audit.W002"]
    settings.AUDIT_KEY_FILE = tmp_path / "key.pem"
    assert [said.id for said in check_key()] == ["audit.E002"]
    keys.make(settings.AUDIT_KEY_FILE)
    assert check_key() == []
