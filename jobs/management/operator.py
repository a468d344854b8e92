"""What the operators' commands share: who gives the order, in which organization."""

import argparse
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from jobs.errors import ControlRefused, NotInState
from tenancy.acting import Actor, acting
from tenancy.models import Organization, User
from tenancy.scope import operator_scope


def add_order(parser: CommandParser) -> None:
    """Arguments of a command that changes something: it is audited under a name, with a reason."""
    parser.add_argument("--operator", required=True, metavar="MAIL", help="who gives the order")
    parser.add_argument("--reason", required=True, help="why; kept in the audit log")


@contextmanager
def operating(order: str, mail: str | None = None) -> Iterator[None]:
    """Act as an operator, or read as the platform itself, in one transaction over everything.

    Raises CommandError where nobody who operates the site has this mail address, and for an order
    that cannot be followed, such as one without a reason; then nothing has changed.
    """
    actor = Actor.system() if mail is None else Actor.operator(_operator(mail).pk)
    try:
        with acting(actor, source="command"), operator_scope(order), transaction.atomic():
            yield
    except (ControlRefused, NotInState) as error:
        raise CommandError(str(error)) from error


@contextmanager
def ordering(order: str, mail: str) -> Iterator[None]:
    """As `operating` for an operator, for what opens transactions of its own."""
    actor = Actor.operator(_operator(mail).pk)
    with acting(actor, source="command"), operator_scope(order):
        yield


def organization_of(text: str) -> Organization:
    """The organization of this id or slug, in an operator's scope. Raises CommandError."""
    lookup = {"pk": int(text)} if text.isdecimal() else {"slug": text}
    found = Organization.objects.filter(**lookup).first()
    if found is None:
        raise CommandError(
            f"No organization has the id or slug {text!r}. Give its slug or its number, "
            "not its name; the list of organizations in the admin has the slugs."
        )
    return found


def slugs_of(organization_ids: Iterable[int | None]) -> Mapping[int, str]:
    """The slugs of these organizations, in an operator's scope."""
    ids = {one for one in organization_ids if one is not None}
    return dict(Organization.objects.filter(pk__in=ids).values_list("pk", "slug"))


def positive(text: str) -> int:
    """An argument that counts something."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above zero")
    return int(text)


def job_id(text: str) -> uuid.UUID:
    """An argument that names a job."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no job's id; `jobs show` finds jobs by their correlation_id too"
        ) from None


def _operator(mail: str) -> User:
    found = User.objects.filter(email__iexact=mail, is_superuser=True, is_active=True).first()
    if found is None:
        raise CommandError(f"{mail} is no operator of this site.")
    return found
