"""Our signatures, verified by the library that receivers use."""

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from jobs.families.notifications.webhooks.sign import key_of, new_secret, signed_headers

BODY = '{"type":"mission.created","data":{"title":"Überführung 🚚"}}'.encode()


def test_the_library_verifies_our_signature() -> None:
    secret = new_secret()

    headers = signed_headers("evt_1", BODY, [secret], at=datetime.now(UTC))

    assert Webhook(secret).verify(BODY, headers)["type"] == "mission.created"


def test_during_rotation_either_secret_verifies() -> None:
    current, previous = new_secret(), new_secret()

    headers = signed_headers("evt_1", BODY, [current, previous], at=datetime.now(UTC))

    assert Webhook(current).verify(BODY, headers)
    assert Webhook(previous).verify(BODY, headers)


def test_another_body_secret_id_or_time_does_not_verify() -> None:
    secret = new_secret()
    headers = signed_headers("evt_1", BODY, [secret], at=datetime.now(UTC))
    late = str(int(headers["webhook-timestamp"]) + 1)

    for key, body, sent in [
        (secret, BODY + b" ", headers),
        (new_secret(), BODY, headers),
        (secret, BODY, headers | {"webhook-id": "evt_2"}),
        (secret, BODY, headers | {"webhook-timestamp": late}),
    ]:
        with pytest.raises(WebhookVerificationError):
            Webhook(key).verify(body, sent)


def test_a_time_in_another_zone_signs_the_same_second() -> None:
    now = datetime.now(UTC)
    elsewhere = now.astimezone(timezone(timedelta(hours=5, minutes=30)))
    secret = new_secret()

    assert signed_headers("a", BODY, [secret], at=now) == signed_headers(
        "a", BODY, [secret], at=elsewhere
    )


@pytest.mark.parametrize(
    "secret",
    [
        "whsec_",
        "whsec_!!!",
        "whsec_" + base64.b64encode(b"x" * 23).decode(),
        "whsec_" + base64.b64encode(b"x" * 65).decode(),
        base64.b64encode(b"x" * 32).decode(),
    ],
)
def test_a_bad_secret_is_refused_and_not_repeated_in_the_message(secret: str) -> None:
    with pytest.raises(ValueError) as refused:
        key_of(secret)

    assert secret.removeprefix("whsec_") not in str(refused.value) or secret == "whsec_"


def test_a_new_secret_has_32_random_bytes() -> None:
    first, second = new_secret(), new_secret()

    assert first != second
    assert len(key_of(first)) == 32


def test_an_id_with_a_dot_or_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError):
        signed_headers("a.b", BODY, [new_secret()], at=datetime.now(UTC))
    with pytest.raises(ValueError):
        signed_headers("a", BODY, [new_secret()], at=datetime(2030, 1, 1))  # noqa: DTZ001
