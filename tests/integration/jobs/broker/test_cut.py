"""The connection breaks after Redis has done what it was asked, and before it could say so."""

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from jobs.broker import Ack, Entry, MessageKey, RetryAfter, Settlement
from jobs.broker.errors import BrokerUnavailable
from jobs.broker.queues import Queues

HOUR = timedelta(hours=1)


class Cutter:
    """Stands between a client and Redis; loses the next answers, and the connection with each."""

    def __init__(self, redis_url: str) -> None:
        self._path = redis_url.removeprefix("unix://")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}"
        self.answers_to_lose = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self._path)
            while request := client.recv(1 << 20):
                server.sendall(request)
                answer = server.recv(1 << 20)
                if b"EVAL" in request and self.answers_to_lose:
                    self.answers_to_lose -= 1
                    return
                client.sendall(answer)


@pytest.fixture
def cutter(redis_url: str) -> Iterator[Cutter]:
    cutter = Cutter(redis_url)
    yield cutter
    cutter.close()


@pytest.fixture
def cut(cutter: Cutter, queues: Queues) -> Iterator[Queues]:
    """The same queues through the cutter, with all scripts loaded."""
    cut = Queues(cutter.url)
    yield cut
    cut.close()


def entry(group, organization_id, message_id="m"):
    return Entry(organization_id=organization_id, group=group, message_id=message_id, body=b"b")


@pytest.mark.parametrize("how", [Ack(), RetryAfter(delay=HOUR)])
def test_a_settlement_is_sent_again_and_ends_its_lease_once(cut, cutter, queues, group, how):
    queues.enqueue([entry(group, 7)])
    [leased] = cut.fetch(group, "c1", 1).messages
    cutter.answers_to_lose = 1

    cut.settle(group, "c1", [Settlement(leased.key, how, leased.stamp)])

    totals = queues.totals(group)
    assert (totals.leased, totals.waiting) == (0, 0)
    assert totals.delayed == (0 if isinstance(how, Ack) else 1)


def test_a_settlement_that_is_repeated_late_leaves_the_next_lease_alone(queues, group, put, fetch):
    put(7, "m")
    [first] = fetch()
    settlement = Settlement(first.key, RetryAfter(), first.stamp)
    queues.settle(group, "c1", [settlement])
    [again] = fetch()

    assert queues.settle(group, "c1", [settlement]) == 0
    assert queues.settle(group, "c1", [Settlement(again.key, Ack(), again.stamp)]) == 1


def test_jobs_are_enqueued_again_and_stand_in_line_once(cut, cutter, queues, group):
    cutter.answers_to_lose = 1

    cut.enqueue([entry(group, 7)])

    assert queues.totals(group).waiting == 1


def test_a_plain_message_is_not_enqueued_again(cut, cutter, queues, group, fetch):
    cutter.answers_to_lose = 1

    with pytest.raises(BrokerUnavailable):
        cut.enqueue([entry(group, None)])

    assert [leased.message_id for leased in fetch()] == ["m"]


def test_what_a_lost_fetch_had_leased_is_found_again(cut, cutter, queues, group, put):
    put(7, "m")
    cutter.answers_to_lose = 1

    with pytest.raises(BrokerUnavailable):
        cut.fetch(group, "c1", 1)

    assert queues.totals(group).leased == 1
    assert cut.reclaim(group, "c1", []) == 1
    assert [leased.key for leased in cut.fetch(group, "c1", 1).messages] == [MessageKey(7, "m")]


def test_what_a_lost_removal_took_out_is_not_called_unknown(cut, cutter, queues, group, put):
    put(7, "m")
    cutter.answers_to_lose = 1

    with pytest.raises(BrokerUnavailable):
        cut.remove(group, 7, ["m"])


@pytest.mark.parametrize("times", [1, 2])
def test_a_heartbeat_gets_through_a_broken_connection(cut, cutter, queues, group, put, times):
    put(7, "m")
    cut.fetch(group, "c1", 1)
    cutter.answers_to_lose = times

    assert cut.heartbeat(group, "c1") == 1


def test_nothing_is_sent_again_for_ever(cut, cutter, group):
    cutter.answers_to_lose = 100

    with pytest.raises(BrokerUnavailable):
        cut.totals(group)
