"""Tokens of service accounts: how a program proves to the API which account it is.

A token is shown once, when it is made. The database keeps its SHA-256, which is enough for a random
secret of 256 bits, and a hint to tell tokens apart on a page.
"""

import hashlib
import hmac
import re
import secrets

from tenancy.changes import create, update
from tenancy.models import ServiceAccount

PREFIX = "cp_"
"""Tells people and secret scanners whose token it is."""

_FORM = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")
_HINT_LENGTH = len(PREFIX) + 4


def issue(organization_id: int, *, name: str, role: str) -> tuple[ServiceAccount, str]:
    """Make a service account; returns it with its token, which nobody can read again.

    Needs a scope that shows the organization; audited like any change.
    """
    token = _new()
    account = ServiceAccount(
        organization_id=organization_id,
        name=name,
        role=role,
        token_digest=digest(token),
        token_hint=token[:_HINT_LENGTH],
    )
    return create(account), token


def replace(account: ServiceAccount) -> str:
    """Give an account another token; once this commits, the one before is refused."""
    token = _new()
    update(account, token_digest=digest(token), token_hint=token[:_HINT_LENGTH])
    return token


def is_well_formed(token: str) -> bool:
    """Whether it could be a token at all, of any organization."""
    return _FORM.fullmatch(token) is not None


def account_of(token: str, organization_id: int) -> ServiceAccount | None:
    """The enabled account of this organization that the token belongs to.

    Needs a scope of the organization. A token of another organization is as unknown as one that
    never was.
    """
    presented = digest(token)
    account = ServiceAccount.objects.filter(
        organization_id=organization_id, token_digest=presented, disabled_at=None
    ).first()
    if account is None or not hmac.compare_digest(account.token_digest, presented):
        return None
    return account


def digest(token: str) -> str:
    """What the database keeps of a token, in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def _new() -> str:
    return PREFIX + secrets.token_urlsafe(32)
