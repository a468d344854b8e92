"""Somebody acts: who, and over what."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from tenancy.acting import Actor, acting
from tenancy.models import User
from tenancy.scope import operator_scope
from tests.factories.tenancy import operator


@contextmanager
def operating(person: User | None = None) -> Iterator[None]:
    """One transaction of an operator, over every organization."""
    actor = Actor.operator((person or operator()).pk)
    with acting(actor, source="command"), operator_scope("a test"), transaction.atomic():
        yield
