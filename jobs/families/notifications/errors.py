"""What can go wrong with one delivery.

DeliveryError               carries `reason`, `permanent` and `retry_after`
├── AddressRefused          the guard refused the URL or what its name resolves to
├── PayloadTooLarge         the body is over the limit of webhooks
├── TransportError          no answer arrived; the receiver may or may not have seen it
│   ├── HostUnresolved      the name has no address, or the resolver did not answer in time
│   ├── ConnectFailed       no connection within the connect limit
│   ├── TlsFailed           the certificate or the handshake did not hold
│   ├── DeadlineExceeded    connected, but not finished within the whole limit
│   └── AnswerBroken        what came back is not HTTP, or ended early
├── ReceiverFailed          an answer arrived and it was not 2xx
│   └── EndpointGone        410: the receiver asks for no more
├── MailRefused             the mail server refused this mail or mailbox for good
├── MailDeferred            the mail server could not take the mail now
└── MailUnfit               the rendered mail must not be sent (header injection, no mailbox)
"""

from datetime import timedelta
from typing import ClassVar


class DeliveryError(Exception):
    """One attempt failed.

    `reason` is the word that pages and records show, `permanent` says that no later attempt can
    succeed, `retry_after` is what the receiver asked for (unchecked; the caller bounds it).
    """

    reason: ClassVar[str] = "delivery_failed"
    permanent: ClassVar[bool] = False

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class AddressRefused(DeliveryError):
    """The guard refused. `str(error)` is the one text for everybody, whatever the cause:

    an organization that could tell "private" from "closed port" could map our network with it.
    `rule` and `addresses` are for operators only.
    """

    reason = "address_refused"
    permanent = True
    text: ClassVar[str] = (
        "This address cannot receive webhooks. Use an https address on port 443 whose name "
        "resolves to public addresses only."
    )

    def __init__(self, rule: str, addresses: tuple[str, ...] = ()) -> None:
        super().__init__(self.text)
        self.rule = rule
        self.addresses = addresses

    @property
    def detail(self) -> str:
        """The rule and the addresses seen, for operators."""
        return f"{self.rule} ({', '.join(self.addresses)})" if self.addresses else self.rule


class PayloadTooLarge(DeliveryError):
    reason = "payload_too_large"
    permanent = True


class TransportError(DeliveryError):
    """`address` is the one we were connected to, if any; for operators only."""

    reason = "transport_failed"

    def __init__(self, message: str, *, address: str = "") -> None:
        super().__init__(message)
        self.address = address


class HostUnresolved(TransportError):
    reason = "host_unresolved"


class ConnectFailed(TransportError):
    reason = "connect_failed"


class TlsFailed(TransportError):
    reason = "tls_failed"


class DeadlineExceeded(TransportError):
    reason = "deadline_exceeded"


class AnswerBroken(TransportError):
    reason = "answer_broken"


class ReceiverFailed(DeliveryError):
    """The receiver answered with another status than 2xx."""

    reason = "receiver_failed"

    def __init__(self, status: int, *, retry_after: timedelta | None = None) -> None:
        super().__init__(f"The receiver answered {status}.", retry_after=retry_after)
        self.status = status


class EndpointGone(ReceiverFailed):
    reason = "endpoint_gone"
    permanent = True


class MailRefused(DeliveryError):
    reason = "mail_refused"
    permanent = True


class MailDeferred(DeliveryError):
    reason = "mail_deferred"


class MailUnfit(DeliveryError):
    reason = "mail_unfit"
    permanent = True
