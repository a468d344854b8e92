"""What the operators' commands share: who gives the order, in which organization, printed how."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from rich.console import Console
from rich.table import Table

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

    Raises CommandError where nobody who operates the site has this mail address.
    """
    actor = Actor.system() if mail is None else Actor.operator(_operator(mail).pk)
    with acting(actor, source="command"), operator_scope(order), transaction.atomic():
        yield


def organization_of(text: str) -> Organization:
    """The organization of this id or slug, in an operator's scope. Raises CommandError."""
    lookup = {"pk": int(text)} if text.isdecimal() else {"slug": text}
    found = Organization.objects.filter(**lookup).first()
    if found is None:
        raise CommandError(f"No organization has the id or slug {text!r}.")
    return found


def show(rows: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    """Print rows as a table for people, or as one JSON array."""
    if as_json:
        sys.stdout.write(json.dumps(rows, default=str) + "\n")
        return
    table = Table(box=None, padding=(0, 1))
    for name in rows[0] if rows else ():
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console(highlight=False).print(table if rows else "Nothing.")


def _operator(mail: str) -> User:
    found = User.objects.filter(email__iexact=mail, is_superuser=True, is_active=True).first()
    if found is None:
        raise CommandError(f"{mail} is no operator of this site.")
    return found
