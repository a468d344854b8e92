"""The receivers over HTTP: webhooks in, pages and JSON out. Routes in `receivers`.

Loopback is not a wall against a browser on the same machine, so requests must name a loopback
host, and whatever changes something must not come from another page.
"""

import json
import re
import threading
from collections.abc import Callable
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from jobsite.demo import receiver_pages as pages

if TYPE_CHECKING:
    from jobsite.demo.receivers import Receivers

BODY_MAX_BYTES = 1024 * 1024
LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost)(:[0-9]+)?")
NAME = r"([A-Za-z0-9._-]{1,100})"
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)


class Web:
    """The HTTP server, listening from construction until `stop()`."""

    def __init__(self, receivers: "Receivers", host: str, port: int) -> None:
        self._server = _Server((host, port), receivers)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="receiver-web", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], receivers: "Receivers") -> None:
        self.receivers = receivers
        super().__init__(address, Handler)


class Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        routes: list[tuple[str, Callable[..., None]]] = [
            (r"/", self._index),
            (r"/mails\.json", self._mails_json),
            (r"/hooks\.json", self._hooks_json),
            (r"/mails/([0-9]{1,9})", self._mail),
            (r"/mails/([0-9]{1,9})/html", self._mail_html),
            (rf"/hooks/{NAME}", self._hook),
        ]
        self._route(routes)

    def do_POST(self) -> None:
        routes: list[tuple[str, Callable[..., None]]] = [
            (rf"/hooks/{NAME}", self._receive),
            (rf"/hooks/{NAME}/answer", self._set_answer),
            (rf"/secrets/{NAME}", self._set_secret),
        ]
        self._route(routes)

    # -- routes -------------------------------------------------------------------------------

    def _index(self) -> None:
        receivers = self.server.receivers
        self._page(pages.index(receivers.mails(), receivers.hooks(), receivers.answers()))

    def _mails_json(self) -> None:
        self._json([asdict(mail) for mail in self.server.receivers.mails()])

    def _hooks_json(self) -> None:
        receivers = self.server.receivers
        self._json(
            {"answers": receivers.answers(), "hooks": [asdict(hook) for hook in receivers.hooks()]}
        )

    def _mail(self, number: str) -> None:
        mail = self.server.receivers.mail(int(number))
        if mail is None:
            self._text(404, "This mail is not kept.")
        else:
            self._page(pages.mail(mail))

    def _mail_html(self, number: str) -> None:
        """The mail's own HTML, for the frame. Sandboxed here too, should it be opened alone."""
        mail = self.server.receivers.mail(int(number))
        if mail is None:
            self._text(404, "This mail is not kept.")
        else:
            self._page(mail.html, policy=f"sandbox; {POLICY}")

    def _hook(self, name: str) -> None:
        receivers = self.server.receivers
        self._page(pages.hook(name, receivers.hooks(name), receivers.answers().get(name, 200)))

    def _receive(self, name: str) -> None:
        headers = {key.lower(): value for key, value in self.headers.items()}
        status = self.server.receivers.take_hook(name, headers, self._body())
        self._text(status, "kept" if status == 200 else f"told to answer {status}")

    def _set_answer(self, name: str) -> None:
        status = parse_qs(self._body().decode()).get("status", [""])[0]
        self.server.receivers.answer(name, int(status) if status.isdecimal() else 0)
        self._redirect(f"/hooks/{name}")

    def _set_secret(self, name: str) -> None:
        self.server.receivers.learn(name, *self._body().decode().split())
        self._text(200, "learnt")

    # -- plumbing -----------------------------------------------------------------------------

    def _route(self, routes: list[tuple[str, Callable[..., None]]]) -> None:
        path = self.path.partition("?")[0]
        if not LOOPBACK.fullmatch(self.headers.get("Host", "")):
            return self._text(421, "Only loopback names are served here.")
        origin = self.headers.get("Origin")
        if origin and not LOOPBACK.fullmatch(origin.removeprefix("http://")):
            return self._text(403, "Another page may not change anything here.")
        for pattern, handle in routes:
            match = re.fullmatch(pattern, path)
            if match:
                try:
                    return handle(*match.groups())
                except ValueError as error:
                    return self._text(400, str(error))
        return self._text(404, "Nothing here.")

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > BODY_MAX_BYTES:
            self.close_connection = True
            raise ValueError(f"A body needs a Content-Length of at most {BODY_MAX_BYTES}.")
        return self.rfile.read(int(length))

    def _page(self, html: str, policy: str = POLICY) -> None:
        self._send(200, "text/html; charset=utf-8", html.encode(), policy)

    def _json(self, value: Any) -> None:
        self._send(200, "application/json", json.dumps(value).encode())

    def _text(self, status: int, text: str) -> None:
        self._send(status, "text/plain; charset=utf-8", f"{text}\n".encode())

    def _redirect(self, path: str) -> None:
        self.send_response(303)
        self.send_header("Location", path)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(
        self, status: int, kind: str, body: bytes, policy: str = "default-src 'none'"
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """No line per request: the pages are the log."""
