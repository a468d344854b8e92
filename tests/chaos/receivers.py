"""The demo's receivers, that keep less of each arrival and all of them: drills count thousands."""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from jobsite.demo import receivers


class Arrival(NamedTuple):
    """A mail, a webhook or a plain request: what it is about, and the id that it came under."""

    about: str
    effect_id: str


class Receivers(receivers.Receivers):
    """`sends` are the requests of the drills' own jobs, `webhooks` those of the product."""

    def __init__(self) -> None:
        super().__init__()
        self.mails_taken: list[Arrival] = []
        self.webhooks: list[Arrival] = []
        self.sends: list[Arrival] = []
        self.forged: list[str] = []
        """Webhooks whose signature did not hold."""

    def take_mail(self, sender: str, recipients: Sequence[str], raw: bytes) -> None:
        """Note mailbox and subject: a mailbox gets several mails."""
        mail = receivers.read_mail(0, sender, recipients, raw)
        [mailbox] = mail.recipients
        self.mails_taken.append(Arrival(f"{mailbox} {mail.subject}", mail.message_id))

    def take_hook(self, name: str, headers: Mapping[str, str], body: bytes) -> int:
        """Note the job of a send, the mission of a webhook."""
        effect_id = headers.get("webhook-id", "")
        if name == "sends":
            self.sends.append(Arrival(body.decode(), effect_id))
            return 200
        if not receivers.verified(self._secrets_of(name), headers, body):
            self.forged.append(effect_id)
        mission = json.loads(body)["data"]["mission"]["reference"]
        self.webhooks.append(Arrival(str(mission), effect_id))
        return 200
