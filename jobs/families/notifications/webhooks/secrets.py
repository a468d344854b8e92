"""Webhook secrets at rest: encrypted with keys that are not in the database.

`SECRETS_KEYS` is a list of texts of at least 32 characters; the first encrypts, all decrypt, so a
key is rotated by putting a new one in front and calling `reencrypt` on what is stored. Without the
setting the key derives from `SECRET_KEY`, and changing that one makes stored secrets unreadable.
"""

import base64
from collections.abc import Sequence
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class SecretUnreadable(Exception):
    """No configured key opens this secret: `SECRETS_KEYS` or `SECRET_KEY` has changed."""


def encrypt(secret: str) -> bytes:
    """Cipher text for the database; different on every call."""
    return _cipher(_keys()).encrypt(secret.encode())


def decrypt(stored: bytes | memoryview) -> str:
    """The secret again. Raises `SecretUnreadable`."""
    try:
        return _cipher(_keys()).decrypt(bytes(stored)).decode()
    except InvalidToken:
        raise SecretUnreadable(
            "None of the SECRETS_KEYS opens this webhook secret. Put the key that was used "
            "when it was stored back into the list, or rotate the endpoint's secret."
        ) from None


def reencrypt(stored: bytes | memoryview) -> bytes:
    """The same secret under the first key."""
    return encrypt(decrypt(stored))


def _keys() -> tuple[str, ...]:
    configured: Sequence[str] = getattr(settings, "SECRETS_KEYS", ())
    return tuple(configured) or (settings.SECRET_KEY,)


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derive(key)) for key in keys])


def _derive(key: str) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"jobs.webhooks.secrets")
    return base64.urlsafe_b64encode(derived.derive(key.encode()))
