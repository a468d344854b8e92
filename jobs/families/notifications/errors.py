"""What can go wrong with one delivery.

DeliveryError               carries `word`, which pages and records show
├── Refused                 no later attempt can succeed: the dead letter's reason is `word`
│   ├── AddressRefused      the guard refused the URL or what its name resolves to
│   ├── PayloadTooLarge     the body is over the limit of webhooks
│   ├── EndpointGone        410: the receiver asks for no more
│   ├── EndpointDisabled    somebody, or the receiver, ended it while this was on its way
│   ├── MailRefused         the mail server refused this mail or mailbox for good
│   └── MailUnfit           the rendered mail must not be sent (header injection, no mailbox)
└── Deferred                a later attempt may succeed; carries `retry_after`
    ├── TransportError      no answer arrived; the receiver may or may not have seen it
    │   ├── HostUnresolved  the name has no address, or the resolver did not answer in time
    │   ├── ConnectFailed   no connection within the connect limit
    │   ├── TlsFailed       the certificate or the handshake did not hold
    │   ├── DeadlineExceeded  connected, but not finished within the whole limit
    │   └── AnswerBroken    what came back is not HTTP, or ended early
    ├── ReceiverFailed      an answer arrived and it was neither 2xx nor 410
    └── MailDeferred        the mail server could not take the mail now
"""

from datetime import timedelta
from typing import ClassVar, Self

from jobs.errors import JobError, Permanent, RetryLater


class DeliveryError(JobError):
    """One attempt failed. `str(error)` is for the organization, `detail` for operators."""

    word: ClassVar[str]

    @property
    def detail(self) -> str:
        """What an operator needs and the organization must not see."""
        return ""

    def about(self, recipient: str) -> Self:
        """The same error, whose text begins with whom it is about: it is read in lists of many."""
        self.args = (f"{recipient}: {self}",)
        return self


class Refused(DeliveryError, Permanent):
    """No later attempt can succeed."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason=self.word)


class AddressRefused(Refused):
    """The guard refused. The text is one for every cause: an organization that could tell

    "private" from "closed port" could map our network with it. `AddressRules.refusal` makes it.
    """

    word = "address_refused"

    def __init__(self, text: str, rule: str, addresses: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.rule = rule
        self.addresses = addresses

    @property
    def detail(self) -> str:
        """The rule and the addresses seen."""
        return f"{self.rule} ({', '.join(self.addresses)})" if self.addresses else self.rule


class PayloadTooLarge(Refused):
    word = "payload_too_large"


class EndpointGone(Refused):
    word = "endpoint_gone"


class EndpointDisabled(Refused):
    word = "endpoint_disabled"


class MailRefused(Refused):
    word = "mail_refused"


class MailUnfit(Refused):
    word = "mail_unfit"


class Deferred(DeliveryError, RetryLater):
    """A later attempt may succeed."""


class TransportError(Deferred):
    """No answer. `address` is the one that we were connected to, if any."""

    word = "transport_failed"

    def __init__(self, message: str, *, address: str = "") -> None:
        super().__init__(message)
        self.address = address


class HostUnresolved(TransportError):
    word = "host_unresolved"


class ConnectFailed(TransportError):
    word = "connect_failed"


class TlsFailed(TransportError):
    word = "tls_failed"


class DeadlineExceeded(TransportError):
    word = "deadline_exceeded"


class AnswerBroken(TransportError):
    word = "answer_broken"


class ReceiverFailed(Deferred):
    """The receiver answered with a status that is not 2xx."""

    word = "receiver_failed"

    def __init__(self, status: int, *, retry_after: timedelta | None = None) -> None:
        super().__init__(f"The receiver answered {status}.", retry_after=retry_after)
        self.status = status


class MailDeferred(Deferred):
    word = "mail_deferred"
