"""Signatures after Standard Webhooks 1.0.0, symmetric scheme `v1`.

Signed are the bytes `{id}.{timestamp}.{body}`, the body exactly as it is sent. A secret is shown
as `whsec_` and base64 of 24 to 64 random bytes. During a rotation two secrets sign, and the
receiver accepts either: the header is a list, separated by spaces.

We sign with these few lines and verify with the library `standardwebhooks` in the tests: the
library mis-signs an aware time that is not UTC.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime

PREFIX = "whsec_"
SECRET_BYTES = 32
SECRET_MIN_BYTES, SECRET_MAX_BYTES = 24, 64


def new_secret() -> str:
    """A fresh secret in the form that receivers are given."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """The key inside a `whsec_` secret. Raises ValueError, which never repeats the secret."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(PREFIX) or not SECRET_MIN_BYTES <= len(key) <= SECRET_MAX_BYTES:
        raise ValueError(
            f"A webhook secret is {PREFIX} and base64 of {SECRET_MIN_BYTES} to "
            f"{SECRET_MAX_BYTES} bytes; this one is not."
        )
    return key


def signed_headers(
    message_id: str, body: bytes, secrets: Sequence[str], *, at: datetime
) -> dict[str, str]:
    """The three headers of one attempt.

    `message_id` is the same on every attempt: the receiver's idempotency key. `at` is the time of
    this attempt, aware. One signature per secret, the current secret first.
    """
    if not message_id or "." in message_id or not message_id.isascii():
        raise ValueError(f"A webhook id is ASCII without a dot; this one is {message_id!r}.")
    if at.tzinfo is None:
        raise ValueError("The time of an attempt must be aware.")
    if not secrets:
        raise ValueError("A webhook needs at least one secret.")
    timestamp = str(int(at.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(
            _signature(key_of(secret), message_id, timestamp, body) for secret in secrets
        ),
    }


def _signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
