"""The steps of the demo's check that search; imported once the settings are ready."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from jobs.families.search.find import search
from jobsite.demo.journey import Cast
from tenancy import changes
from tenancy.acting import acting
from tenancy.models import Mission, Project
from tenancy.scope import Scope, scope


def add(one: Cast, title: str) -> Mission:
    """A mission with this title."""
    with _as_editor(one):
        project = Project.objects.get(organization=one.organization)
        return changes.create(
            Mission(
                organization=one.organization, project=project, reference="MSN-2042", title=title
            )
        )


def rename(one: Cast, mission: Mission, title: str) -> None:
    """Give the mission another title."""
    with _as_editor(one):
        changes.update(mission, title=title)


def remove(one: Cast, mission: Mission) -> None:
    """Delete the mission."""
    with _as_editor(one):
        changes.delete(mission)


def found(one: Cast, text: str) -> list[int]:
    """Ids of the missions and projects that the organization's editor finds."""
    with _as_editor(one) as entered:
        return [hit.entity.pk for hit in search(entered, text).hits]


@contextmanager
def _as_editor(one: Cast) -> Iterator[Scope]:
    with (
        acting(one.editor, source="web"),
        scope(one.organization) as entered,
        transaction.atomic(),
    ):
        yield entered
