"""The base of every model that belongs to an organization, and of what one door writes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from tenancy.errors import UnrecordedWrite

_recording: ContextVar[bool] = ContextVar("tenancy_recording", default=False)


@contextmanager
def recording() -> Iterator[None]:
    """The block in which `tenancy.changes` writes entities, and tells everybody."""
    token = _recording.set(True)
    try:
        yield
    finally:
        _recording.reset(token)


class TenantModel(models.Model):
    """A row of one organization. Its table needs `rls.TenantTable` in its migration."""

    is_tenant: ClassVar[bool] = True

    # No index of its own: `TenantTable` makes UNIQUE (organization_id, id), which serves it too.
    organization = models.ForeignKey(
        "tenancy.Organization",
        models.PROTECT,
        related_name="+",
        editable=False,
        db_index=False,
    )

    class Meta:
        abstract = True


class Recorded(models.Model):
    """Something whose every write is audited and may become a domain event.

    audited: the fields whose values, before and after, go into the audit log. Fields are listed in,
    never filtered out, so that a secret added later stays out by itself; that it changed is
    recorded all the same.
    personal: those among them that are about a person, kept apart in the log.
    named_changes: fields whose change has a word of its own in the log, such as "secret_rotated",
    or a function that makes it of the new value; the first of them that differs gives it.
    """

    audited: ClassVar[tuple[str, ...]] = ()
    personal: ClassVar[tuple[str, ...]] = ()
    named_changes: ClassVar[Mapping[str, str | Callable[[Any], str]]] = {}

    if TYPE_CHECKING:  # the column of an `Entity`; an organization is its own

        @property
        def organization_id(self) -> int: ...

    class Meta:
        abstract = True


class Entity(Recorded, TenantModel):
    """A domain entity of an organization, written through `tenancy.changes` only."""

    class Meta:
        abstract = True


def refuse_unrecorded(model: type[models.Model], operation: str) -> None:
    """Raise `UnrecordedWrite` for a write of an entity that nobody would hear of.

    The SQL compilers ask it (`tenancy.postgresql.compiler`), so that there is no way around it in
    the ORM: not by a manager, a related manager, a cascade or `save_base`.
    """
    if issubclass(model, Recorded) and not _recording.get():
        raise UnrecordedWrite(model.__name__, operation)
