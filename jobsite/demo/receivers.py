"""What stands in for the world outside: a mail server and a receiver of webhooks.

One process, 127.0.0.1 only, everything in memory and bounded. Mails are kept and shown; a webhook
is kept with whether its signature held, verified by the library `standardwebhooks` and not by our
own code, so that a mistake in ours cannot agree with itself. Each hook can be told to answer
something else than 200, to see what the other side does about it.

    POST /hooks/{name}           receive                POST /hooks/{name}/answer  status=500
    POST /secrets/{name}         a whsec_ secret        GET  /mails.json /hooks.json
    GET  /  /mails/{number}  /hooks/{name}              pages of `receiver_pages`

In tests: `with Receivers() as receivers: … receivers.smtp_port, receivers.mails(), …`.
"""

import json
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as email_policy
from pathlib import Path
from types import TracebackType
from typing import Self

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from jobsite.demo.receiver_smtp import Smtp
from jobsite.demo.receiver_web import Web

HOST = "127.0.0.1"
KEPT_MAX_BYTES = 32 * 1024 * 1024
KEPT_MAX_ITEMS = 5000
HOOKS_MAX = 500
ANSWERS = (200, 410, 429, 500)


@dataclass(frozen=True, kw_only=True)
class ReceivedMail:
    """A mail that the server took."""

    number: int  # from 1, in the order of arrival
    received_at: str  # ISO 8601, UTC
    sender: str  # of the envelope
    recipients: list[str]  # of the envelope
    subject: str
    message_id: str
    headers: dict[str, str]
    text: str
    html: str
    raw: str  # as received


@dataclass(frozen=True, kw_only=True)
class ReceivedHook:
    """One request to a hook."""

    number: int  # from 1, over all hooks
    name: str
    received_at: str  # ISO 8601, UTC
    webhook_id: str
    verified: bool | None  # whether the signature held; None when no secret is known here
    answered: int  # the status that we answered
    headers: dict[str, str]  # lower-case names
    body: str


@dataclass
class Shelf[Item]:
    """The latest items, bounded in number and bytes."""

    items: deque[tuple[Item, int]] = field(default_factory=deque)
    bytes_kept: int = 0
    count: int = 0

    def put(self, item: Item, size: int) -> None:
        self.items.append((item, size))
        self.bytes_kept += size
        while len(self.items) > KEPT_MAX_ITEMS or self.bytes_kept > KEPT_MAX_BYTES:
            self.bytes_kept -= self.items.popleft()[1]

    def all(self) -> list[Item]:
        return [item for item, _ in self.items]


class Receivers:
    """Both servers. Start with `start()` or `with`; port 0 picks a free one.

    `secrets_file` holds a JSON object of hook name → secret or list of secrets, and is read again
    for every webhook, so it may be written after the start. All methods are safe from any thread.
    """

    def __init__(
        self, *, smtp_port: int = 0, web_port: int = 0, secrets_file: Path | None = None
    ) -> None:
        self.smtp_port = smtp_port
        self.web_port = web_port
        self._secrets_file = secrets_file
        self._secrets: dict[str, list[str]] = {}
        self._answers: dict[str, int] = {}
        self._mails: Shelf[ReceivedMail] = Shelf()
        self._hooks: Shelf[ReceivedHook] = Shelf()
        self._changed = threading.Condition()
        self._smtp = Smtp(self.take_mail)
        self._web: Web | None = None

    def start(self) -> Self:
        """Listen on both ports. Raises OSError when one is taken; then neither listens."""
        self.smtp_port = self._smtp.start(HOST, self.smtp_port)
        try:
            self._web = Web(self, HOST, self.web_port)
        except OSError:
            self._smtp.stop()
            raise
        self.web_port = self._web.port
        return self

    def stop(self) -> None:
        if self._web is not None:
            self._web.stop()
        self._smtp.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # -- what arrived -------------------------------------------------------------------------

    def mails(self) -> list[ReceivedMail]:
        with self._changed:
            return self._mails.all()

    def mail(self, number: int) -> ReceivedMail | None:
        return next((mail for mail in self.mails() if mail.number == number), None)

    def hooks(self, name: str | None = None) -> list[ReceivedHook]:
        with self._changed:
            return [hook for hook in self._hooks.all() if name in (None, hook.name)]

    def wait_for(self, *, mails: int = 0, hooks: int = 0, seconds: float = 10) -> bool:
        """Wait until at least so many have arrived since the start; False when they did not."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._mails.count >= mails and self._hooks.count >= hooks, seconds
            )

    def url(self, name: str) -> str:
        """Where a webhook for this hook goes."""
        return f"http://{HOST}:{self.web_port}/hooks/{name}"

    # -- how hooks behave ---------------------------------------------------------------------

    def answers(self) -> dict[str, int]:
        """The status that each known hook answers."""
        with self._changed:
            names = {hook.name for hook in self._hooks.all()} | self._answers.keys()
            return {name: self._answers.get(name, 200) for name in sorted(names)}

    def answer(self, name: str, status: int) -> None:
        """From now on this hook answers `status`. Raises ValueError for one we do not offer."""
        if status not in ANSWERS or (len(self._answers) >= HOOKS_MAX and name not in self._answers):
            raise ValueError(f"A hook answers one of {ANSWERS}, and {HOOKS_MAX} hooks may differ.")
        with self._changed:
            self._answers[name] = status

    def learn(self, name: str, *secrets: str) -> None:
        """Verify this hook's signatures with these secrets; either may hold."""
        if len(self._secrets) >= HOOKS_MAX and name not in self._secrets:
            raise ValueError(f"At most {HOOKS_MAX} hooks have secrets.")
        for secret in secrets:
            Webhook(secret)
        with self._changed:
            self._secrets[name] = list(secrets)

    # -- arrivals -----------------------------------------------------------------------------

    def take_mail(self, sender: str, recipients: Sequence[str], raw: bytes) -> None:
        with self._changed:
            self._mails.count += 1
            mail = read_mail(self._mails.count, sender, recipients, raw)
            self._mails.put(mail, 3 * len(raw))
            self._changed.notify_all()

    def take_hook(self, name: str, headers: Mapping[str, str], body: bytes) -> int:
        """Keep a webhook and return the status to answer."""
        secrets = self._secrets_of(name)
        with self._changed:
            self._hooks.count += 1
            hook = ReceivedHook(
                number=self._hooks.count,
                name=name,
                received_at=_now(),
                webhook_id=headers.get("webhook-id", ""),
                verified=verified(secrets, headers, body),
                answered=self._answers.get(name, 200),
                headers=dict(headers),
                body=body.decode(errors="replace"),
            )
            self._hooks.put(hook, 2 * len(body) + 2000)
            self._changed.notify_all()
            return hook.answered

    def _secrets_of(self, name: str) -> list[str]:
        with self._changed:
            known = list(self._secrets.get(name, []))
        if self._secrets_file is None or not self._secrets_file.exists():
            return known
        listed = json.loads(self._secrets_file.read_text()).get(name, [])
        return known + ([listed] if isinstance(listed, str) else list(listed))


def verified(secrets: Sequence[str], headers: Mapping[str, str], body: bytes) -> bool | None:
    """Whether the signature holds under one of the secrets; None without any."""
    if not secrets:
        return None
    for secret in secrets:
        try:
            Webhook(secret).verify(body, dict(headers))
        except (WebhookVerificationError, ValueError):
            continue
        return True
    return False


def read_mail(number: int, sender: str, recipients: Sequence[str], raw: bytes) -> ReceivedMail:
    parsed = message_from_bytes(raw, policy=email_policy)
    return ReceivedMail(
        number=number,
        received_at=_now(),
        sender=sender,
        recipients=list(recipients),
        subject=str(parsed["Subject"] or ""),
        message_id=str(parsed["Message-ID"] or ""),
        headers={name: str(value) for name, value in parsed.items()},
        text=_part(parsed, "plain"),
        html=_part(parsed, "html"),
        raw=raw.decode(errors="replace"),
    )


def _part(parsed: EmailMessage, kind: str) -> str:
    part = parsed.get_body((kind,))
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
