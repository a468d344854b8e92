"""The demo's receivers: a real mail server and a real receiver of webhooks."""

import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
import urllib3

from jobs.families.notifications.webhooks.sign import new_secret, signed_headers
from jobsite.demo.receivers import Receivers


@pytest.fixture
def receivers() -> Iterator[Receivers]:
    with Receivers() as running:
        yield running


def http(
    receivers: Receivers, method: str, path: str, body: bytes = b"", **headers: str
) -> urllib3.BaseHTTPResponse:
    with urllib3.PoolManager() as pool:
        return pool.request(
            method,
            f"http://127.0.0.1:{receivers.web_port}{path}",
            body=body if method == "POST" else None,
            headers=headers,
            redirect=False,
        )


def send_mail(receivers: Receivers, subject: str, html: str = "<p>Hello</p>") -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@example.com", "kim@example.com", subject
    mail.set_content("Hello")
    mail.add_alternative(html, subtype="html")
    with smtplib.SMTP("127.0.0.1", receivers.smtp_port) as client:
        client.send_message(mail)


def test_a_mail_is_listed_and_shown_with_its_html_in_a_sandbox(receivers: Receivers) -> None:
    send_mail(receivers, "Überführung <b>", "<script>alert(1)</script><p>Hello</p>")

    listed = http(receivers, "GET", "/mails.json").json()
    page = http(receivers, "GET", "/mails/1").data.decode()
    frame = http(receivers, "GET", "/mails/1/html")

    assert [(mail["subject"], mail["recipients"]) for mail in listed] == [
        ("Überführung <b>", ["kim@example.com"])
    ]
    assert listed[0]["text"] == "Hello\n"
    assert "Überführung &lt;b&gt;" in http(receivers, "GET", "/").data.decode()
    assert "<iframe sandbox" in page
    assert "<script>" not in page
    assert frame.headers["Content-Security-Policy"].startswith("sandbox;")


def test_a_webhook_is_kept_with_whether_its_signature_held(receivers: Receivers) -> None:
    secret, body = new_secret(), b'{"type":"mission.created"}'
    headers = signed_headers("evt_1", body, [secret], at=datetime.now(UTC))
    http(receivers, "POST", "/hooks/a", body, **headers)
    http(receivers, "POST", "/secrets/a", secret.encode())

    http(receivers, "POST", "/hooks/a", body, **headers)
    http(receivers, "POST", "/hooks/a", body + b" ", **headers)

    assert [hook.verified for hook in receivers.hooks("a")] == [None, True, False]
    assert "signature holds" in http(receivers, "GET", "/hooks/a").data.decode()
    assert http(receivers, "GET", "/hooks.json").json()["hooks"][1]["webhook_id"] == "evt_1"


def test_the_overview_says_of_each_hook_when_it_last_heard_something(receivers: Receivers) -> None:
    for name in ("older", "newer"):
        http(receivers, "POST", f"/hooks/{name}", b"{}")

    page = http(receivers, "GET", "/").data.decode()

    assert page.index("/hooks/newer") < page.index("/hooks/older")
    assert all(f'datetime="{hook.received_at}"' in page for hook in receivers.hooks())


def test_a_secret_written_to_the_file_later_is_used(tmp_path: Path) -> None:
    file, secret, body = tmp_path / "secrets.json", new_secret(), b"{}"
    headers = signed_headers("evt_1", body, [secret], at=datetime.now(UTC))

    with Receivers(secrets_file=file) as receivers:
        file.write_text(json.dumps({"a": [new_secret(), secret]}))
        http(receivers, "POST", "/hooks/a", body, **headers)

    assert [hook.verified for hook in receivers.hooks()] == [True]


def test_a_hook_can_be_broken_and_repaired(receivers: Receivers) -> None:
    assert http(receivers, "POST", "/hooks/a", b"{}").status == 200

    for status in (500, 200):
        switched = http(receivers, "POST", "/hooks/a/answer", f"status={status}".encode())
        assert (switched.status, http(receivers, "POST", "/hooks/a", b"{}").status) == (303, status)

    assert http(receivers, "POST", "/hooks/a/answer", b"status=999").status == 400
    assert receivers.answers() == {"a": 200}


def test_waiting_ends_when_as_many_arrived(receivers: Receivers) -> None:
    send_mail(receivers, "one")

    assert receivers.wait_for(mails=1)
    assert not receivers.wait_for(mails=2, seconds=0)


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Host": "evil.example.com"}, 421), ({"Origin": "http://evil.example.com"}, 403)],
)
def test_another_page_cannot_reach_in(
    receivers: Receivers, headers: dict[str, str], status: int
) -> None:
    assert http(receivers, "POST", "/hooks/a/answer", b"status=500", **headers).status == status
    assert receivers.answers() == {}


def test_a_body_without_length_or_too_large_is_refused(receivers: Receivers) -> None:
    with socket.create_connection(("127.0.0.1", receivers.web_port)) as client:
        client.sendall(
            b"POST /hooks/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n"
        )
        assert client.recv(100).startswith(b"HTTP/1.1 400")

    assert receivers.hooks() == []


def test_a_taken_port_is_an_error_and_leaves_nothing_listening(receivers: Receivers) -> None:
    with pytest.raises(OSError):
        Receivers(smtp_port=receivers.smtp_port).start()
    second = Receivers(web_port=receivers.web_port)
    with pytest.raises(OSError):
        second.start()

    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", second.smtp_port))


def test_the_command_says_its_ports_and_stops_at_sigterm(tmp_path: Path) -> None:
    command = [sys.executable, "manage.py", "receivers", "--smtp-port=0", "--web-port=0", "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as child:
        assert child.stdout is not None
        ready = json.loads(child.stdout.readline())
        with urllib3.PoolManager() as pool:
            page = pool.request("GET", f"http://127.0.0.1:{ready['web_port']}/")
        child.send_signal(signal.SIGTERM)

        assert child.wait(20) == 0
    assert page.status == 200
