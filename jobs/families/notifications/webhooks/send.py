"""One signed POST to one receiver, through the guard.

Every call resolves and checks again, opens a connection of its own to the checked address and
closes it: connections are never shared, so no organization meets another's. The name goes into
SNI, certificate check and Host header, the address into `connect`. Redirects are not followed
(urllib3's connection does not know them), proxies and `.netrc` are not read.

Limits: 5 s to connect, 5 s for the handshake, 15 s from the first byte to the last. A socket's
timeout counts between two bytes and a receiver may drip, so a timer shuts the connection down at
the deadline, whatever it is doing then.
"""

import contextlib
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from http.client import HTTPException
from typing import cast

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError
from urllib3.response import HTTPResponse

from jobs.families.notifications.errors import (
    AnswerBroken,
    ConnectFailed,
    DeadlineExceeded,
    PayloadTooLarge,
    TlsFailed,
)
from jobs.families.notifications.webhooks.address import (
    AddressRules,
    Destination,
    Resolver,
    destination,
)

PAYLOAD_MAX_BYTES = 256 * 1024
READ_MAX_BYTES = 64 * 1024
KEEP_MAX_BYTES = 16 * 1024
HEADER_KEEP_CHARACTERS = 256
HEADERS_KEPT = frozenset(
    {"content-type", "content-length", "date", "location", "retry-after", "server"}
)
"""Response headers worth a line in the delivery log; others may carry cookies or tokens."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long one request may take, in seconds."""

    connect_seconds: float = 5.0  # TCP, and again for the TLS handshake
    total_seconds: float = 15.0  # request and answer, body included, after connecting


@dataclass(frozen=True, kw_only=True)
class Response:
    """What the receiver answered, whatever the status."""

    status: int
    headers: Mapping[str, str]  # lower-case names, only those of HEADERS_KEPT
    body: bytes  # at most 16 KiB, as received, not decompressed
    truncated: bool  # there was more than what `body` holds
    latency: timedelta  # from connecting to the last byte read
    address: str  # the one we were connected to; for operators only
    sent_headers: Mapping[str, str] = field(default_factory=dict)  # as they went out

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status < 300

    def retry_after(self, now: datetime) -> timedelta | None:
        """What `Retry-After` asks for, in seconds or as a date; None when absent or garbage."""
        return parse_retry_after(self.headers.get("retry-after", ""), now)


def send(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    rules: AddressRules,
    limits: Limits = Limits(),
    resolver: Resolver | None = None,
    tls: ssl.SSLContext | None = None,
) -> Response:
    """POST `body` (JSON, at most 256 KiB) and return the answer, of whatever status.

    Raises `AddressRefused`, `HostUnresolved`, `PayloadTooLarge` before anything is sent, and
    `ConnectFailed`, `TlsFailed`, `DeadlineExceeded`, `AnswerBroken` after; of the last two nobody
    knows whether the receiver acted, which is why `webhook-id` stays the same on every attempt.
    """
    if len(body) > PAYLOAD_MAX_BYTES:
        raise PayloadTooLarge(
            f"The payload has {len(body)} bytes, a webhook may have {PAYLOAD_MAX_BYTES}. "
            "Shorten the template of this event."
        )
    where = destination(url, rules, resolver)
    sent = _request_headers(where, headers)
    started = time.monotonic()
    connection = _connect(where, limits, tls)
    try:
        with _deadline(connection, limits.total_seconds) as expired:
            answer = _exchange(connection, where, body, sent, expired)
    finally:
        connection.close()
    return Response(
        status=answer.status,
        headers=answer.headers,
        body=answer.body[:KEEP_MAX_BYTES],
        truncated=len(answer.body) > KEEP_MAX_BYTES,
        latency=timedelta(seconds=time.monotonic() - started),
        address=connection.host,
        sent_headers=sent,
    )


def parse_retry_after(value: str, now: datetime) -> timedelta | None:
    """RFC 9110 §10.2.3. Negative, past, garbage and over a year count as absent."""
    value = value.strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        wait = timedelta(seconds=int(value))
    else:
        try:
            wait = parsedate_to_datetime(value).astimezone(UTC) - now
        except (ValueError, OverflowError, TypeError):
            return None
    return wait if timedelta(0) < wait <= timedelta(days=365) else None


@dataclass(frozen=True, kw_only=True)
class _Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def _request_headers(where: Destination, headers: Mapping[str, str]) -> dict[str, str]:
    return {
        "Host": where.target.authority,
        "Accept": "*/*",
        "Accept-Encoding": "identity",  # nothing to decompress, so no bomb
        "Connection": "close",
        "Content-Type": "application/json",
        "User-Agent": "jobs-webhooks/1",
        **headers,
    }


def _connect(
    where: Destination, limits: Limits, tls: ssl.SSLContext | None
) -> HTTPConnection | HTTPSConnection:
    """Connect to the first checked address that answers, within one connect limit for all."""
    until = time.monotonic() + limits.connect_seconds
    failure: Exception | None = None
    for address in where.addresses:
        connection = _connection(where, address, tls)
        connection.timeout = max(0.05, until - time.monotonic())
        try:
            connection.connect()
        except ssl.SSLError as error:
            connection.close()
            raise TlsFailed(
                f"TLS with {where.target.host}: {_short(error)}", address=address
            ) from None
        except (NewConnectionError, ConnectTimeoutError, HTTPError, OSError) as error:
            connection.close()
            failure = error
        else:
            return connection
        if time.monotonic() >= until:
            break
    raise ConnectFailed(
        f"No connection to {where.target.authority} within {limits.connect_seconds:g} s.",
        address=where.addresses[0],
    ) from failure


def _connection(
    where: Destination, address: str, tls: ssl.SSLContext | None
) -> HTTPConnection | HTTPSConnection:
    if where.target.scheme == "http":
        return HTTPConnection(address, where.target.port)
    return HTTPSConnection(
        address,
        where.target.port,
        server_hostname=where.target.host,
        ssl_context=tls or _trusted(),
    )


@cache
def _trusted() -> ssl.SSLContext:
    """The machine's certificate store; built once, since reading it takes 20 ms."""
    return ssl.create_default_context()


def _exchange(
    connection: HTTPConnection | HTTPSConnection,
    where: Destination,
    body: bytes,
    headers: Mapping[str, str],
    expired: threading.Event,
) -> _Answer:
    try:
        answer = _ask(connection, where, body, headers)
    except (HTTPError, HTTPException, OSError, ValueError) as error:
        if not expired.is_set() and not isinstance(error, TimeoutError):
            raise AnswerBroken(
                f"{where.target.host} broke off: {_short(error)}", address=connection.host
            ) from error
    else:
        # A connection that was shut down looks like one that ended, so an answer without a
        # length seems complete.
        if not expired.is_set():
            return answer
    raise DeadlineExceeded(
        f"{where.target.host} did not finish its answer in time.", address=connection.host
    )


def _ask(
    connection: HTTPConnection | HTTPSConnection,
    where: Destination,
    body: bytes,
    headers: Mapping[str, str],
) -> _Answer:
    connection.request(
        "POST",
        where.target.path,
        body=body,
        headers=headers,
        preload_content=False,
        decode_content=False,
    )
    response = connection.getresponse()
    return _Answer(status=response.status, headers=_kept(response), body=_read(response))


def _read(response: HTTPResponse) -> bytes:
    """Up to 64 KiB. In a loop, since urllib3 notices a body that ends early at the next read."""
    body = b""
    while len(body) < READ_MAX_BYTES:
        piece = response.read(READ_MAX_BYTES - len(body), decode_content=False)
        if not piece:
            break
        body += piece
    return body


def _kept(response: HTTPResponse) -> dict[str, str]:
    return {
        name.lower(): value[:HEADER_KEEP_CHARACTERS]
        for name, value in response.headers.items()
        if name.lower() in HEADERS_KEPT
    }


@contextlib.contextmanager
def _deadline(
    connection: HTTPConnection | HTTPSConnection, seconds: float
) -> Iterator[threading.Event]:
    """Shut the connection down after so many seconds, also in the middle of a read.

    Works on a duplicate of the descriptor: the connection's own may be closed, and its number
    given to somebody else, at the moment the timer fires.
    """
    connected = cast(socket.socket, connection.sock)
    connected.settimeout(seconds)
    duplicate = socket.socket(fileno=socket.dup(connected.fileno()))
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        with contextlib.suppress(OSError):
            duplicate.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, expire)
    timer.daemon = True
    timer.start()
    try:
        yield expired
    finally:
        timer.cancel()
        timer.join()
        duplicate.close()


def _short(error: Exception) -> str:
    """The kind of error only: its text may hold addresses, and the organization reads it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return type(error).__name__
