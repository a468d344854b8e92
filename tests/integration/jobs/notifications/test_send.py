"""One webhook over the network: what reaches a receiver, and what a hostile one can do."""

import json
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from jobs.families.notifications.errors import (
    AddressRefused,
    AnswerBroken,
    ConnectFailed,
    DeadlineExceeded,
    PayloadTooLarge,
    TlsFailed,
)
from jobs.families.notifications.webhooks.address import AddressRules, Resolver
from jobs.families.notifications.webhooks.send import Limits, Response, parse_retry_after, send
from jobs.families.notifications.webhooks.sign import new_secret, signed_headers

from .servers import answer, certificate_for, receiver, status

NAME = "hooks.example.com"
RULES = AddressRules(
    allow_http=True, allowed_ports=None, allowed_hosts=frozenset({"127.0.0.1", NAME})
)
PRODUCTION = Limits()
SHORT = Limits(connect_seconds=2, total_seconds=0.3)


def here(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


def post(
    url: str,
    body: bytes = b"{}",
    *,
    headers: dict[str, str] | None = None,
    rules: AddressRules = RULES,
    limits: Limits = PRODUCTION,
    resolver: Resolver = here,
    tls: ssl.SSLContext | None = None,
) -> Response:
    return send(url, body, headers or {}, rules=rules, limits=limits, resolver=resolver, tls=tls)


def test_a_signed_webhook_arrives_byte_for_byte_and_verifies() -> None:
    secret, body = new_secret(), json.dumps({"title": "Überführung"}).encode()
    headers = signed_headers("evt_1", body, [secret], at=datetime.now(UTC))

    with receiver(answer(status(200, "Content-Type: text/plain"))) as running:
        response = post(running.url(NAME, path="/a?b=c"), body, headers=headers)

    head, _, arrived = running.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    received = dict(line.split(": ", 1) for line in lines[1:])
    assert lines[0] == "POST /a?b=c HTTP/1.1"
    assert received["Host"] == f"{NAME}:{running.port}"
    assert Webhook(secret).verify(arrived, received) == {"title": "Überführung"}
    assert (response.status, response.body, response.address) == (200, b"ok", "127.0.0.1")
    assert response.sent_headers["webhook-id"] == "evt_1"


@pytest.mark.parametrize("url", ["http://127.0.0.1:{}/", "http://rebound.example.com:{}/"])
def test_loopback_is_refused_without_a_connection(url: str) -> None:
    production = AddressRules(allow_http=True, allowed_ports=None)

    with receiver(answer(status(200))) as running, pytest.raises(AddressRefused):
        post(url.format(running.port), rules=production)

    assert running.requests == []


def test_the_name_is_resolved_once_and_the_checked_address_is_the_one_connected_to() -> None:
    answers = [["127.0.0.1"], ["169.254.169.254"]]

    with receiver(answer(status(200))) as running:
        response = post(running.url(NAME), resolver=lambda _h, _p: answers.pop(0))
        with pytest.raises(AddressRefused):
            post(running.url(NAME), resolver=lambda _h, _p: answers.pop(0))

    assert response.succeeded
    assert len(running.requests) == 1


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_never_followed(code: int) -> None:
    with receiver(answer(status(200))) as inside:
        moved = status(code, f"Location: {inside.url(path='/secret')}")
        with receiver(answer(moved)) as running:
            response = post(running.url())

    assert response.status == code
    assert not response.succeeded
    assert inside.requests == []


def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver(answer(status(200))) as proxy, receiver(answer(status(200))) as running:
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url(path=""))
        monkeypatch.setenv("NO_PROXY", "")
        post(running.url())

    assert (len(running.requests), proxy.requests) == (1, [])


def test_the_certificate_must_be_for_the_original_name(tmp_path: Path) -> None:
    server, client = certificate_for(NAME, tmp_path)
    seen: list[str | None] = []
    server.sni_callback = lambda _stream, name, _context: seen.append(name)

    with receiver(answer(status(200)), tls=server) as running:
        response = post(running.url(NAME, "https"), tls=client)

    assert response.succeeded
    assert seen == [NAME]


@pytest.mark.parametrize("trusted", [True, False])
def test_a_certificate_of_another_name_or_unknown_issuer_is_refused(
    tmp_path: Path, trusted: bool
) -> None:
    server, client = certificate_for("other.example.com" if trusted else NAME, tmp_path)

    with receiver(answer(status(200)), tls=server) as running, pytest.raises(TlsFailed):
        post(running.url(NAME, "https"), tls=client if trusted else None)

    assert running.requests == []


def test_a_handshake_that_never_comes_ends_at_the_connect_limit() -> None:
    with receiver(answer(b"")) as silent, pytest.raises(ConnectFailed):
        post(silent.url(NAME, "https"), limits=Limits(connect_seconds=0.2))


def test_a_closed_port_is_a_connection_that_failed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with pytest.raises(ConnectFailed):
        post(f"http://127.0.0.1:{port}/")


def test_the_next_checked_address_is_tried_when_one_does_not_connect() -> None:
    with receiver(answer(status(200))) as running:
        response = post(running.url(NAME), resolver=lambda _h, _p: ["127.0.0.9", "127.0.0.1"])

    assert response.address == "127.0.0.1"


@pytest.mark.parametrize(
    ("before", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"X"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"", b""),
    ],
    ids=["slow body", "slow chunks", "slow header", "flood of 100", "silence"],
)
def test_whatever_dawdles_ends_at_the_deadline(before: bytes, piece: bytes) -> None:
    done = threading.Event()

    def behaviour(stream: socket.socket, _request: bytes) -> None:
        stream.sendall(before)
        while not done.wait(0.02):
            stream.sendall(piece)

    with receiver(behaviour) as running, pytest.raises(DeadlineExceeded):
        post(running.url(), limits=SHORT)
    done.set()


@pytest.mark.parametrize("head", ["Content-Length: 99999999", "X: y"])
def test_an_endless_body_is_read_to_64_kib_and_16_are_kept(head: str) -> None:
    def endless(stream: socket.socket, _request: bytes) -> None:
        stream.sendall(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode())
        while True:
            stream.sendall(b"x" * 65536)

    with receiver(endless) as running:
        response = post(running.url())

    assert (len(response.body), response.truncated) == (16 * 1024, True)


def test_a_compressed_bomb_is_not_opened() -> None:
    bomb = b"\x1f\x8b" + b"\0" * 100

    with receiver(answer(status(200, "Content-Encoding: gzip", body=bomb))) as running:
        response = post(running.url())

    assert response.body == bomb
    assert b"Accept-Encoding: identity" in running.requests[0]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70000 + b"\r\n\r\n",
    ],
    ids=["nothing", "no http", "short body", "bad chunk", "many headers", "long header"],
)
def test_an_answer_that_is_not_http_is_broken_and_may_be_tried_again(raw: bytes) -> None:
    with receiver(answer(raw)) as running, pytest.raises(AnswerBroken):
        post(running.url())


def test_a_large_payload_is_refused_before_anything_is_sent() -> None:
    with receiver(answer(status(200))) as running:
        with pytest.raises(PayloadTooLarge):
            post(running.url(), b"x" * (256 * 1024 + 1))
        assert post(running.url(), b"x" * 256 * 1024).succeeded

    assert len(running.requests) == 1


def test_a_header_cannot_be_smuggled() -> None:
    with receiver(answer(status(200))) as running, pytest.raises(AnswerBroken):
        post(running.url(), headers={"X-Custom": "a\r\nX-Evil: b"})

    assert not any(running.requests)


def test_response_headers_are_kept_by_name_and_cut() -> None:
    raw = status(503, "Retry-After: 120", "Set-Cookie: a=b", f"Server: {'s' * 1000}")

    with receiver(answer(raw)) as running:
        response = post(running.url())

    assert set(response.headers) == {"content-length", "retry-after", "server"}
    assert len(response.headers["server"]) == 256
    assert response.retry_after(datetime.now(UTC)) == timedelta(seconds=120)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("60", timedelta(seconds=60)),
        ("Tue, 01 Jan 2030 00:01:00 GMT", timedelta(seconds=60)),
        *((text, None) for text in ("", "-5", "0", "1.5", "soon", "99999999999", "999999999")),
        ("Tue, 01 Jan 2019 00:00:00 GMT", None),
        ("Tue, 01 Jan 9999 00:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_else_absent(
    value: str, expected: timedelta | None
) -> None:
    assert parse_retry_after(value, datetime(2030, 1, 1, tzinfo=UTC)) == expected
