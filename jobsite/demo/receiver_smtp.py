"""The receivers over SMTP. Routes and pages are in `receiver_web`."""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

MAIL_MAX_BYTES = 1024 * 1024
logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd's: five lines for each mail
Take = Callable[[str, Sequence[str], bytes], None]
"""(sender, recipients, the mail as received)"""


class Smtp:
    """aiosmtpd in a loop of its own; its `Controller` cannot listen on port 0."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="smtp", daemon=True)
        self._server: asyncio.Server | None = None

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd finds it by this name
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        self._take(envelope.mail_from or "", envelope.rcpt_tos, raw)
        return "250 Kept"

    def start(self, host: str, port: int) -> int:
        """Listen, and return the port. Raises OSError when it is taken."""
        self._thread.start()
        try:
            self._server = self._call(self._loop.create_server(self._protocol, host, port))
        except OSError:
            self.stop()
            raise
        return int(self._server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        if self._server is not None:
            self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _protocol(self) -> SMTP:
        return SMTP(self, data_size_limit=MAIL_MAX_BYTES, loop=self._loop)

    def _call[Result](self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)
