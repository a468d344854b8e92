"""The embedded PostgreSQL: starts whatever it finds, ends whatever ends its starter."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from jobsite.embedded import account, postgres
from jobsite.embedded.places import Places
from jobsite.embedded.process import AlreadyRunning, Server, ServerFailed

STARTER = """
import signal, sys
from pathlib import Path
from jobsite.embedded import postgres
from jobsite.embedded.places import Places
server = postgres.start(Places(data=Path(sys.argv[1]), sockets=Path(sys.argv[2])))
print(server.process.pid, flush=True)
signal.pause()
"""


@contextmanager
def running(places: Places) -> Iterator[Server]:
    server = postgres.start(places, options=["-c", "fsync=off"], patience_seconds=10)
    yield server
    server.stop()


@pytest.fixture
def starter(lasting_places: Places) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the server running; gives it once the server is up."""
    process = subprocess.Popen(
        [sys.executable, "-c", STARTER, lasting_places.data, lasting_places.sockets],
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def test_the_roles_are_made_and_none_of_them_passes_row_level_security(
    lasting_places: Places,
) -> None:
    with running(lasting_places):
        found = ask(
            lasting_places,
            "SELECT rolname, rolcanlogin FROM pg_roles"
            " WHERE rolname IN ('owner', 'app', 'operator', 'engine')"
            " AND NOT rolsuper AND NOT rolbypassrls ORDER BY 1",
        )
    assert found == [("app", True), ("engine", False), ("operator", False), ("owner", True)]


def test_operator_and_engine_are_entered_and_never_inherited(lasting_places: Places) -> None:
    with running(lasting_places):
        found = ask(
            lasting_places,
            "SELECT DISTINCT member::regrole::text, inherit_option, set_option"
            " FROM pg_auth_members WHERE roleid IN ('operator'::regrole, 'engine'::regrole)"
            " AND member::regrole::text IN ('app', 'owner') ORDER BY 1",
        )
    assert found == [("app", False, True), ("owner", False, True)]


def test_text_sorts_and_folds_alike_on_every_machine(lasting_places: Places) -> None:
    with running(lasting_places):
        found = ask(lasting_places, "SELECT lower('ÉCOLE'), 'Z' < 'a', 'É' ~ '\\w'")
    assert found == [("école", True, True)]


def test_data_stay_over_a_restart(lasting_places: Places) -> None:
    with running(lasting_places):
        ask(lasting_places, "CREATE TABLE kept AS SELECT 7 AS number", role="owner")
    with running(lasting_places):
        assert ask(lasting_places, "SELECT number FROM kept", role="owner") == [(7,)]
        ask(lasting_places, "DROP TABLE kept", role="owner")


def test_it_does_not_run_as_root(lasting_places: Places) -> None:
    with running(lasting_places) as server:
        assert psutil.Process(server.process.pid).uids().real != 0


def test_a_second_start_is_refused_while_the_first_one_runs(lasting_places: Places) -> None:
    with running(lasting_places), pytest.raises(AlreadyRunning, match="already running on"):
        postgres.start(lasting_places, patience_seconds=0)


def test_kill_9_of_the_starter_leaves_no_server_behind(
    starter: subprocess.Popen[str], lasting_places: Places
) -> None:
    server = psutil.Process(server_pid(starter))
    family = [server, *server.children(recursive=True)]

    starter.kill()

    _, alive = psutil.wait_procs(family, timeout=30)
    assert alive == []
    with running(lasting_places):
        assert ask(lasting_places, "SELECT 1") == [(1,)]


def test_a_server_that_was_killed_starts_again(
    starter: subprocess.Popen[str], lasting_places: Places
) -> None:
    os.kill(server_pid(starter), signal.SIGKILL)

    with running(lasting_places):
        assert ask(lasting_places, "SELECT 1") == [(1,)]


@pytest.mark.parametrize("content", ["{pid}\n", "garb", ""])
def test_a_stale_pid_file_is_no_server(lasting_places: Places, content: str) -> None:
    with running(lasting_places):
        pass
    pid_file = lasting_places.postgres / "postmaster.pid"
    with subprocess.Popen(["sleep", "60"]) as stranger:  # a living process of another program
        pid_file.write_text(content.format(pid=stranger.pid))
        shutil.chown(pid_file, lasting_places.postgres.stat().st_uid)

        with running(lasting_places):
            found = ask(lasting_places, "SELECT 1")

        stranger.kill()
    assert found == [(1,)]


def test_data_of_another_major_version_are_left_alone_and_the_way_out_is_said(
    places: Places,
) -> None:
    places.postgres.mkdir(parents=True)
    (places.postgres / "PG_VERSION").write_text("99\n")

    with pytest.raises(ServerFailed, match=r"belong to PostgreSQL 99.*pg_dump.*make clean"):
        postgres.start(places)

    assert [path.name for path in places.postgres.iterdir()] == ["PG_VERSION"]


def test_a_first_start_that_was_killed_leaves_nothing_half_made(places: Places) -> None:
    half = places.data / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")

    with running(places):
        assert ask(places, "SELECT 1") == [(1,)]
    assert not half.exists()


def test_a_folder_of_mode_700_works_and_keeps_its_mode() -> None:
    home = Path(tempfile.mkdtemp(prefix="home-", dir="/tmp"))
    places = Places(data=home / "project" / "var", sockets=home.with_name(f"{home.name}-s"))

    with running(places):
        found = ask(places, "SELECT 1")

    assert found == [(1,)]
    assert home.stat().st_mode & 0o777 == 0o700
    if places.postgres.is_symlink():  # as root: the server's user cannot pass through `home`
        assert places.postgres.resolve().is_relative_to(account.SHARED)
        shutil.rmtree(places.postgres.resolve().parent)
    shutil.rmtree(home)
    shutil.rmtree(places.sockets)


def test_a_socket_folder_of_somebody_else_is_refused(places: Places) -> None:
    places.data.mkdir()
    places.sockets.symlink_to(places.data)

    with pytest.raises(ServerFailed, match="belongs to somebody else"):
        postgres.start(places)


def server_pid(starter: subprocess.Popen[str]) -> int:
    assert starter.stdout is not None
    return int(starter.stdout.readline())


def ask(places: Places, query: str, role: str = "app") -> list[tuple[object, ...]]:
    with psycopg.connect(places.database_url(role), autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []
