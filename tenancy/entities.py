"""The base of every model that belongs to an organization, and of those written through one door."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar, Self

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
    """A row of one organization. Its table needs `rls.TenantTable` in the migration that makes it."""

    is_tenant: ClassVar[bool] = True

    organization = models.ForeignKey(
        "tenancy.Organization", models.PROTECT, related_name="+", editable=False
    )

    class Meta:
        abstract = True


class EntityQuerySet[M: "Entity"](models.QuerySet[M]):
    """Reads; whatever would write in bulk past `changes` is refused."""

    def update(self, **kwargs: Any) -> int:
        """Refused outside `changes`."""
        _check(self.model, "objects.update")
        return super().update(**kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        """Refused outside `changes`."""
        _check(self.model, "objects.delete")
        return super().delete()

    def bulk_create(self, objs: Iterable[M], *args: Any, **kwargs: Any) -> list[M]:
        """Refused outside `changes`."""
        _check(self.model, "objects.bulk_create")
        return super().bulk_create(objs, *args, **kwargs)

    def bulk_update(self, objs: Iterable[M], *args: Any, **kwargs: Any) -> int:
        """Refused outside `changes`."""
        _check(self.model, "objects.bulk_update")
        return super().bulk_update(objs, *args, **kwargs)


class Entity(TenantModel):
    """A domain entity: every write of it is audited and may become a domain event.

    audited: the fields whose values, before and after, go into the audit log. Fields are listed in,
    never filtered out, so that a secret added later stays out by itself.
    personal: those among them that are about a person, kept apart in the log.
    """

    audited: ClassVar[tuple[str, ...]] = ()
    personal: ClassVar[tuple[str, ...]] = ()

    objects: ClassVar[models.Manager[Self]] = EntityQuerySet.as_manager()  # type: ignore[assignment,misc]

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Refused outside `changes`."""
        _check(type(self), "save")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refused outside `changes`."""
        _check(type(self), "delete")
        return super().delete(*args, **kwargs)


def _check(model: type[models.Model], operation: str) -> None:
    if not _recording.get():
        raise UnrecordedWrite(model.__name__, operation)
