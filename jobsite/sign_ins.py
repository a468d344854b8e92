"""Sign-ins and passwords in the audit logs: of each organization that the person belongs to.

An operator's, and those of somebody who belongs to none, stand in the site's own log. What a
guesser repeats is told once a minute. Connected to Django's and django-axes' signals, which every
door to an account passes through.
"""

from collections.abc import Iterator, Set
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction

from audit.looks import record_once
from audit.record import record
from jobsite.site import may_enter
from tenancy.access import organizations_of
from tenancy.acting import Actor, acting
from tenancy.models import SITE_ORGANIZATION_ID, User
from tenancy.scope import scope

GUESSES_WITHIN = timedelta(minutes=1)
MAILS_WITHIN = timedelta(minutes=5)
"""One link to choose a password is sent to an account in so long, however often it is asked for."""


def connect() -> None:
    """Listen from now on."""
    user_logged_in.connect(_signed_in, dispatch_uid="sign_ins")
    user_logged_out.connect(_signed_out, dispatch_uid="sign_ins")
    user_login_failed.connect(_failed, dispatch_uid="sign_ins")
    user_locked_out.connect(_locked_out, dispatch_uid="sign_ins")


def password_chosen(person: User) -> None:
    """Record that somebody with a link chose the password of this account."""
    _record("person.password_chosen", person)


def may_send_link(person: User) -> bool:
    """Record that a link was asked for; False when one was sent a moment ago."""
    with _logs_of(person, Actor.system()) as logs:
        target = ("user", person.pk)
        new = record_once("person.password_asked_for", target, logs=logs, within=MAILS_WITHIN)
    return bool(new)


def _signed_in(user: User, **_: Any) -> None:
    _record("person.signed_in", user)


def _signed_out(user: User | None, **_: Any) -> None:
    if user is not None:
        _record("person.signed_out", user)


def _failed(credentials: dict[str, Any], **_: Any) -> None:
    _record_guess("person.sign_in_failed", credentials.get("username"))


def _locked_out(username: str, **_: Any) -> None:
    _record_guess("person.locked_out", username)


def _record(action: str, person: User) -> None:
    if not may_enter(person):
        return
    actor = Actor.operator(person.pk) if person.is_operator else Actor.user(person.pk)
    with _logs_of(person, actor) as logs:
        for organization_id in sorted(logs):
            record(action, ("user", person.pk), organization_id=organization_id)


def _record_guess(action: str, typed: object) -> None:
    """Of an account that exists: who typed it, nobody knows. Of others there is nothing to tell."""
    person = User.objects.filter(email__iexact=str(typed or "")).first()
    if person is None:
        return
    with _logs_of(person, Actor.system()) as logs:
        target = ("user", person.pk)
        record_once(action, target, logs=logs, within=GUESSES_WITHIN, outcome="denied")


@contextmanager
def _logs_of(person: User, actor: Actor) -> Iterator[Set[int]]:
    logs = set() if person.is_operator else set(organizations_of(person))
    logs = logs or {SITE_ORGANIZATION_ID}
    with acting(actor, source="admin"), scope(logs), transaction.atomic():
        yield logs
