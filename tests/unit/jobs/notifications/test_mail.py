"""What may become a mail, and what its bytes look like."""

from dataclasses import replace
from email import message_from_bytes
from email.policy import SMTP

import pytest

from jobs.families.notifications.errors import MailUnfit
from jobs.families.notifications.mail import Mail, build, is_mailbox

MAIL = Mail(
    effect_id="0199c1d2-7a5e-7000-8000-0123456789ab",
    recipient="kim@example.com",
    sender="Missions <notifications@plane.example.com>",
    subject="Mission “Überführung” was created",
    text="Hello Kim",
    html="<p>Hello Kim</p>",
    unsubscribe_url="https://plane.example.com/api/v1/organizations/1/u/abcdefghijkl",
)


def bytes_of(mail: Mail) -> bytes:
    return build(mail).message(policy=SMTP).as_bytes()


def test_a_mail_has_text_and_html_and_our_headers() -> None:
    parsed = message_from_bytes(bytes_of(MAIL), policy=SMTP)

    assert [part.get_content_type() for part in parsed.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert parsed["Subject"] == MAIL.subject
    assert parsed["To"] == "kim@example.com"
    assert parsed["Message-ID"] == f"<{MAIL.effect_id}@plane.example.com>"
    assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_without_html_it_is_a_text_mail() -> None:
    parsed = message_from_bytes(bytes_of(replace(MAIL, html="")), policy=SMTP)

    assert parsed.get_content_type() == "text/plain"


@pytest.mark.parametrize("characters", [40, 60, 61, 69])
def test_list_unsubscribe_stands_on_one_line(characters: int) -> None:
    url = "https://a.io/" + "x" * (characters - 15)

    raw = bytes_of(replace(MAIL, unsubscribe_url=url))

    assert len(f"<{url}>") == characters
    assert f"\r\nList-Unsubscribe: <{url}>\r\n".encode() in raw


def test_a_longer_list_unsubscribe_is_refused() -> None:
    with pytest.raises(MailUnfit):
        build(replace(MAIL, unsubscribe_url="https://a.io/" + "x" * 55))


def test_long_html_lines_stay_within_the_limits_of_smtp() -> None:
    raw = bytes_of(replace(MAIL, html="<p>" + "long é " * 3000 + "</p>"))

    assert max(len(line) for line in raw.split(b"\r\n")) <= 998


@pytest.mark.parametrize(
    "subject",
    [
        *("a\r\nBcc: z@example.com", "a\nb", "a\rb", "a\u2028b", "a\u2029b", "a\x85b", "a\x0bb"),
        *("a\x00b", "a\x1cb", "=?utf-8?q?x?=", "", "   ", "x" * 256),
    ],
)
def test_a_subject_that_could_leave_its_line_is_refused(subject: str) -> None:
    with pytest.raises(MailUnfit):
        build(replace(MAIL, subject=subject))


@pytest.mark.parametrize(
    "recipient",
    [
        *("", "kim", "a@x.org, b@x.org", "x@y.org\nBcc: z@y.org", "Kim <kim@example.com>"),
        *(
            "kim@example.com ",
            "kim@@example.com",
            "a@x.org;b@x.org",
            "<kim@example.com>",
            "k\u2028@x.org",
        ),
    ],
)
def test_a_recipient_is_exactly_one_mailbox(recipient: str) -> None:
    assert not is_mailbox(recipient)
    with pytest.raises(MailUnfit):
        build(replace(MAIL, recipient=recipient))


def test_a_domain_with_umlauts_is_written_in_ascii() -> None:
    raw = bytes_of(replace(MAIL, recipient="kim@bücher.example"))

    assert b"To: kim@xn--bcher-kva.example\r\n" in raw


def test_a_header_that_is_not_ours_is_refused() -> None:
    with pytest.raises(MailUnfit):
        build(replace(MAIL, effect_id="x>\r\nBcc: z@example.com"))
