"""One rendered notification as a mail, and its way to the mail server.

The rendered parts come from templates that organizations write, so nothing of them reaches a
header but the subject, and that only when it cannot break out of its line. Headers come from an
allow-list; the recipient is one mailbox.

`Message-ID` is the effect id: the same mail on every attempt, so that a mail server or client can
recognise a repeat. `List-Unsubscribe` and its `-Post` are RFC 8058 (one click, by POST); the value
must stand on the header's own line, since not every provider that looks for it unfolds, so its
length is limited and the final bytes are looked at.
"""

import contextlib
import re
import smtplib
from dataclasses import dataclass
from email.message import EmailMessage, Message
from email.policy import SMTP, Policy
from email.utils import parseaddr

from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives, mailers
from django.core.validators import validate_email

from jobs.families.notifications.errors import MailDeferred, MailRefused, MailUnfit

SUBJECT_MAX_CHARACTERS = 255
UNSUBSCRIBE_MAX_CHARACTERS = 69
LINE_BREAKS = re.compile(r"[\x00-\x1f\x7f\x80-\x9f\u2028\u2029]")
"""Everything that some mail software reads as the end of a line, and the other controls."""

HEADER_LINE_CHARACTERS = len("List-Unsubscribe: ") + UNSUBSCRIBE_MAX_CHARACTERS

HEADERS_ALLOWED = frozenset(
    {
        *("subject", "from", "to", "date", "message-id", "mime-version", "content-type"),
        *("content-transfer-encoding", "auto-submitted"),
        *("list-unsubscribe", "list-unsubscribe-post"),
    }
)


@dataclass(frozen=True, kw_only=True)
class Mail:
    """A notification that is ready to go to one mailbox."""

    effect_id: str  # the same on every attempt; ASCII without spaces or brackets
    recipient: str  # one mailbox, without a display name
    sender: str  # mailbox of ours, with or without a display name
    subject: str
    text: str
    html: str  # empty: a text mail
    unsubscribe_url: str  # empty: a mail that nobody can unsubscribe from, such as a test


class OneLineMail(EmailMultiAlternatives):
    """Folds headers at 87 characters instead of 78, for the sake of List-Unsubscribe.

    Only once the bodies are there: their encoding would follow the same number, and
    quoted-printable must end its lines at 76.
    """

    def message(self, *, policy: "Policy[Message] | None" = None) -> EmailMessage:
        message = super().message(policy=policy or SMTP)
        message.policy = message.policy.clone(max_line_length=HEADER_LINE_CHARACTERS)
        return message


def build(mail: Mail) -> EmailMultiAlternatives:
    """The message for Django's mailers. Raises `MailUnfit` when it must not be sent."""
    message = OneLineMail(
        subject=_subject(mail.subject),
        body=mail.text,
        from_email=mail.sender,
        to=[_mailbox(mail.recipient)],
        headers=_headers(mail),
    )
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    _look_at_final_bytes(message, mail)
    return message


def send(message: EmailMultiAlternatives, *, using: str = "default") -> None:
    """Give the message to the mail server.

    Raises `MailRefused` when this mail or mailbox is refused for good, `MailDeferred` for
    everything that a later attempt may survive, our own misconfiguration included: a wrong
    password must not turn a day's notifications into dead letters.
    """
    mailer = mailers[using]
    try:
        mailer.open()
        mailer.send_messages([message])
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        raise _answered(code, text) from error
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPSenderRefused) as error:
        raise MailDeferred(f"The mail server refuses us: {error.smtp_code}.") from error
    except smtplib.SMTPDataError as error:
        raise _answered(error.smtp_code, error.smtp_error) from error
    except (smtplib.SMTPException, OSError) as error:
        raise MailDeferred(f"The mail server was not reached: {type(error).__name__}.") from error
    finally:
        # A mail that was taken stays sent, however the goodbye goes.
        with contextlib.suppress(smtplib.SMTPException, OSError):
            mailer.close()


def is_mailbox(text: str) -> bool:
    """Whether this is one bare mailbox that a mail can go to."""
    if LINE_BREAKS.search(text) or parseaddr(text) != ("", text):
        return False
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def _mailbox(text: str) -> str:
    if not is_mailbox(text):
        raise MailUnfit("The recipient is not one mailbox.")
    return text


def _subject(text: str) -> str:
    if LINE_BREAKS.search(text):
        raise MailUnfit("The rendered subject has a line break or a control character.")
    if "=?" in text:
        raise MailUnfit("The rendered subject has `=?`, which begins an encoded word.")
    if not text.strip() or len(text) > SUBJECT_MAX_CHARACTERS:
        raise MailUnfit(f"The rendered subject needs 1 to {SUBJECT_MAX_CHARACTERS} characters.")
    return text


def _headers(mail: Mail) -> dict[str, str]:
    domain = parseaddr(mail.sender)[1].rpartition("@")[2]
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", mail.effect_id) or not domain:
        raise MailUnfit("The effect id or the sender does not make a Message-ID.")
    headers = {
        "Message-ID": f"<{mail.effect_id}@{domain}>",
        "Auto-Submitted": "auto-generated",
    }
    if mail.unsubscribe_url:
        headers["List-Unsubscribe"] = f"<{mail.unsubscribe_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def _look_at_final_bytes(message: EmailMultiAlternatives, mail: Mail) -> None:
    final = message.message(policy=SMTP)
    foreign = {name.lower() for name in final} - HEADERS_ALLOWED
    if foreign:
        raise MailUnfit(f"Headers that are not ours: {', '.join(sorted(foreign))}.")
    if not mail.unsubscribe_url:
        return
    value = f"<{mail.unsubscribe_url}>"
    head = final.as_bytes().partition(b"\r\n\r\n")[0] + b"\r\n"
    if len(value) > UNSUBSCRIBE_MAX_CHARACTERS or (
        f"\r\nList-Unsubscribe: {value}\r\n".encode() not in head
    ):
        raise MailUnfit(
            f"List-Unsubscribe has {len(value)} characters and would be folded; "
            f"{UNSUBSCRIBE_MAX_CHARACTERS} fit. Give the site a shorter host name."
        )


def _answered(code: int, text: bytes | str) -> MailRefused | MailDeferred:
    said = text.decode(errors="replace") if isinstance(text, bytes) else text
    kind = MailRefused if 500 <= code < 600 else MailDeferred
    return kind(f"The mail server answered {code}: {said[:200]}")
