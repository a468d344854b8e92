"""statements: a cancel ends what the message of its thread waits for, and never the next one's."""

import select
import socket
import socketserver
import threading

import pytest
from django.db import connection

from jobs.execution import statements
from jobs.execution.statements import RunningStatements
from tests.threads import elsewhere
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

CANCEL_REQUEST = (80877102).to_bytes(4, "big")


class SlowRoad(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """The way to PostgreSQL, on which a request to cancel stands still until it is let through.

    stands: a request has come. let_through: it may go on. arrived: PostgreSQL has seen to it.
    """

    def __init__(self, folder):
        self.stands, self.let_through, self.arrived = (threading.Event() for _ in range(3))
        self.place = {"HOST": str(folder), "PORT": "5432"}
        super().__init__(f"{folder}/.s.PGSQL.5432", Traveller)


class Traveller(socketserver.BaseRequestHandler):
    """One connection on the road."""

    def handle(self):
        first = self.request.recv(65536)
        with postgresql() as server:
            if first[4:8] != CANCEL_REQUEST:
                server.sendall(first)
                carry({self.request: server, server: self.request})
                return
            self.server.stands.set()
            self.server.let_through.wait(20)
            server.sendall(first)
            while server.recv(65536):
                pass
            self.server.arrived.set()


def postgresql():
    at = connection.settings_dict
    host, port = at["HOST"], int(at["PORT"] or 5432)
    if not host.startswith("/"):
        return socket.create_connection((host, port))
    server = socket.socket(socket.AF_UNIX)
    server.connect(f"{host}/.s.PGSQL.{port}")
    return server


def carry(ways):
    while True:
        for source in select.select(list(ways), [], [])[0]:
            if not (data := source.recv(65536)):
                return
            ways[source].sendall(data)


@pytest.fixture
def road(tmp_path_factory):
    with SlowRoad(tmp_path_factory.mktemp("r")) as road, elsewhere() as begin:
        begin(road.serve_forever, 0.01)
        yield road
        road.let_through.set()
        road.shutdown()


@pytest.fixture
def running(monkeypatch):
    monkeypatch.setattr(statements, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(statements, "BEHIND_SECONDS", 0.0)
    monkeypatch.setattr(statements, "CANCEL_SECONDS", 0.2)
    running = RunningStatements()
    yield running
    running.stop()


def answer(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def wait_for(lock):
    """Stand before an advisory lock, as a slow statement of a job would."""
    answer(f"SELECT pg_advisory_lock_shared({lock})::text || pg_advisory_unlock_shared({lock})")


def is_waited_for(lock):
    return answer(f"SELECT count(*) FROM pg_locks WHERE objid = {lock} AND NOT granted")


def test_a_cancel_that_comes_late_leaves_the_next_message_of_its_thread_alone(running, road):
    first, second = 51001, 51002
    answer(f"SELECT pg_advisory_lock({first})::text || pg_advisory_lock({second})")

    def two_messages():
        connection.settings_dict = connection.settings_dict | road.place
        running.enter(limit_ms=0)
        wait_for(first)
        running.leave()
        running.enter(limit_ms=None)
        wait_for(second)
        running.leave()

    with elsewhere() as begin:
        thread = begin(two_messages)
        eventually(lambda: is_waited_for(first))
        running.start()
        road.stands.wait(20)
        answer(f"SELECT pg_advisory_unlock({first})")
        eventually(lambda: is_waited_for(second))

        road.let_through.set()
        road.arrived.wait(20)
        answer(f"SELECT pg_advisory_unlock({second})")

        thread.result(20)


def test_what_is_waited_for_beyond_the_limit_is_cancelled(running):
    lock = 51003
    answer(f"SELECT pg_advisory_lock({lock})::text")

    def one_message():
        running.enter(limit_ms=0)
        wait_for(lock)

    with elsewhere() as begin:
        thread = begin(one_message)
        eventually(lambda: is_waited_for(lock))
        running.start()

        assert "canceling statement" in str(thread.exception(20))
    answer(f"SELECT pg_advisory_unlock({lock})")
