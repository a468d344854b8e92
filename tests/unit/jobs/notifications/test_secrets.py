"""Webhook secrets at rest."""

import pytest
from pytest_django import Settings

from jobs.families.notifications.webhooks.secrets import (
    SecretUnreadable,
    decrypt,
    encrypt,
    reencrypt,
)
from jobs.families.notifications.webhooks.sign import new_secret


def test_a_stored_secret_does_not_show_and_comes_back() -> None:
    secret = new_secret()

    stored = encrypt(secret)

    assert secret.encode() not in stored
    assert encrypt(secret) != stored
    assert decrypt(memoryview(stored)) == secret


def test_keys_rotate(settings: Settings) -> None:
    settings.SECRETS_KEYS = ["the first key, long enough for us"]
    stored = encrypt("whsec_x")
    settings.SECRETS_KEYS = ["the second key, long enough too..", *settings.SECRETS_KEYS]

    moved = reencrypt(stored)

    settings.SECRETS_KEYS = settings.SECRETS_KEYS[:1]
    assert decrypt(moved) == "whsec_x"
    with pytest.raises(SecretUnreadable):
        decrypt(stored)


def test_without_the_setting_the_key_follows_secret_key(settings: Settings) -> None:
    settings.SECRETS_KEYS = []
    stored = encrypt("whsec_x")
    settings.SECRET_KEY = "another secret key of this site"

    with pytest.raises(SecretUnreadable):
        decrypt(stored)
