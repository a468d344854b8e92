"""What is found, by whom, and in which order."""

from typing import Any

import pytest
from django.db import connection, transaction

from jobs.families.search import generations
from jobs.families.search.backends.postgresql.search import matching
from jobs.families.search.errors import IndexChanged, QueryRefused
from jobs.families.search.find import Filters, search
from jobs.families.search.models import SearchDocument
from jobs.families.search.query import read
from tenancy import changes
from tenancy.acting import Actor, acting
from tenancy.errors import AccessDenied, NoScope
from tenancy.models import Mission, Organization
from tenancy.scope import Scope, scope
from tests.factories import tenancy as make
from tests.factories.jobs import at
from tests.factories.search import documents, generation, work

pytestmark = pytest.mark.django_db(transaction=True)


def found(of: Organization, text: str, *, by: Actor | None = None, **filters: Any) -> list[str]:
    """Titles and names, the best first."""
    actor = by or Actor.user(make.member(of, role="viewer").pk)
    with acting(actor, source="web"), scope(of) as entered, transaction.atomic():
        hits = search(entered, text, Filters(**filters)).hits
    return [getattr(hit.entity, "title", None) or hit.entity.name for hit in hits]  # type: ignore[union-attr]


def missions(*titles: str, of: Organization | None = None, **more: Any) -> list[Mission]:
    """Indexed missions of one project."""
    project = make.project(of, name="Coast")
    made = [make.mission(project, title=title, **more) for title in titles]
    work(project.organization)
    return made


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Replace the pump", "pump"),
        ("Replace the pump", "PUMP replace"),
        ("Replace the pump", "repl"),
        ("Replace the pump", "the re"),
        ("Replace the pump", '"the pump"'),
        ("Replace the pump", '"the pump'),
        ("Replace the pump", "pump -valve"),
        ("Straße in Ångström", "strasse angstrom"),
        ("About MSN-1042-7 again", "MSN-1042-7"),
        ("About MSN-1042-7 again", "1042"),
        ("About MSN-1042-7 again", "1042-7"),
        ("About MSN-1042-7 again", "MSN-10"),
        ("About MSN-1042-7 again", '"about msn-1042-7 again"'),
        ("横浜港湾局の工事", "港湾局"),
        ("横浜港湾局の工事", "港"),
        ("Ремонт насоса", "насос"),
        ("إصلاح المضخة", "المضخة"),
        ("it's 12\" wide", '12" wide'),
    ],
)
def test_what_is_asked_for_is_found(title: str, text: str) -> None:
    [mission] = missions(title)

    assert found(mission.organization, text) == [title]


@pytest.mark.parametrize(
    "text",
    [
        "ump",
        "pump valve",
        "repl pump",
        '"pump the"',
        '"the pum"',
        "replace -pump",
        'replace -"the pump"',
        "*:* valve",
        "pump' OR 1=1 --",
        "organization:pump",
        "pump | valve",
        "!valve",
        "pump & !nothing",
        "p.mp",
        "pum%p",
        "title:pump^3 AND *",
        "valve:* <-> pump",
    ],
)
def test_what_does_not_match_is_not_found_and_no_text_is_an_operator(text: str) -> None:
    [mission] = missions("Replace the pump")

    assert found(mission.organization, text) == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "nothing_to_find"),
        ("-pump", "nothing_to_find"),
        ('-"the pump"', "nothing_to_find"),
        ("🚰", "nothing_to_find"),
        ("*:* ' \\ % \x00 \ud800", "nothing_to_find"),
        ("word " * 65, "too_many_words"),
        ("x" * 2_001, "too_long"),
        ("x" * 1_048_576, "too_long"),
    ],
)
def test_what_cannot_be_looked_for_is_refused_with_its_reason(text: str, word: str) -> None:
    [mission] = missions("Replace the pump")

    with pytest.raises(QueryRefused) as caught:
        found(mission.organization, text)
    assert caught.value.word == word


@pytest.mark.parametrize(
    "text", ["pump\x00", "pump \\", "'pump", "pump:*", "\\'pump", "pump\ud800"]
)
def test_what_is_no_letter_parts_words_and_does_no_harm(text: str) -> None:
    [mission] = missions("Replace the pump")

    assert found(mission.organization, text) == ["Replace the pump"]


def test_a_title_comes_before_a_text() -> None:
    text, _ = missions("One", "Pump")
    with at(text.organization):
        changes.update(text, description="A pump among many words")
    work(text.organization)

    assert found(text.organization, "pump") == ["Pump", "One"]


def test_the_words_of_others_change_neither_hits_nor_order_nor_scores() -> None:
    mine = missions("Pump", "Pump and valve", "A long title about a pump")[0]
    actor = Actor.user(make.member(mine.organization).pk)

    def asked() -> list[tuple[int, float]]:
        with acting(actor, source="web"), scope(mine.organization) as entered, transaction.atomic():
            return [(hit.entity.pk, hit.score) for hit in search(entered, "pu").hits]

    before = asked()
    missions(*["Pump"] * 20)

    assert asked() == before
    assert len(before) == 3


def test_nobody_finds_anything_of_another_organization() -> None:
    [theirs] = missions("Replace the pump")
    mine = make.organization()
    missions("Paint the wall", of=mine)

    assert found(mine, "pump") == []
    assert found(mine, f'"{theirs.reference}"') == []


def test_a_deleted_mission_is_not_found_and_a_changed_one_by_its_new_words() -> None:
    gone, changed = missions("Pump", "Pump station")
    of = gone.organization
    with at(of):
        changes.delete(gone)
        changes.update(changed, title="Valve station")
    work(of)

    assert found(of, "pump") == []
    assert found(of, "valve") == ["Valve station"]


def test_an_index_that_is_behind_hides_and_does_not_leak() -> None:
    gone, kept = missions("Pump one", "Pump two")
    of = gone.organization
    with at(of):
        changes.delete(gone)

    assert ("mission", gone.pk) in documents(of)
    assert found(of, "pump") == ["Pump two"]
    assert kept.pk


def test_a_foreign_document_in_the_index_shows_nothing() -> None:
    [theirs] = missions("Pump")
    [mine] = missions("Wall")
    with at(mine.organization):
        SearchDocument.objects.filter(entity_id=mine.pk, kind="mission").update(entity_id=theirs.pk)

    assert found(mine.organization, "wall") == []


def test_filters_hold_for_what_the_database_says_now() -> None:
    project = make.project(name="Pump works")
    other = make.project(project.organization, name="Other")
    moved = make.mission(project, title="Pump", state="active")
    work(project.organization)
    of = project.organization
    with at(of):
        changes.update(moved, project=other)

    assert found(of, "pump", kind="mission", project_id=other.pk) == ["Pump"]
    assert found(of, "pump", kind="mission", project_id=project.pk) == []
    assert found(of, "pump", project_id=project.pk) == ["Pump works"]
    assert found(of, "pump", kind="mission", state="active") == ["Pump"]
    assert found(of, "pump", state="completed") == []


def test_pages_follow_one_another_without_a_gap_or_a_double() -> None:
    made = missions(*["Pump"] * 7)
    of = made[0].organization
    seen: list[int] = []
    cursor = None
    with (
        acting(Actor.user(make.member(of).pk), source="web"),
        scope(of) as entered,
        transaction.atomic(),
    ):
        while True:
            page = search(entered, "pump", cursor=cursor, limit=3)
            seen += [hit.entity.pk for hit in page.hits]
            cursor = page.next
            if cursor is None:
                break

    assert seen == [one.pk for one in made]


def test_a_cursor_of_an_older_generation_or_of_another_organization_is_refused() -> None:
    mine, theirs = missions(*["Pump"] * 3), missions(*["Pump"] * 3)
    of = mine[0].organization

    def page(of: Organization, cursor: str | None = None) -> str | None:
        with (
            acting(Actor.user(make.member(of).pk), source="web"),
            scope(of) as entered,
            transaction.atomic(),
        ):
            return search(entered, "pump", cursor=cursor, limit=1).next

    cursor, foreign = page(of), page(theirs[0].organization)
    assert cursor
    assert foreign
    with at(of):
        newer = generations.begin(of.pk, "a test", per_second=None)
        generations.swap(newer)

    for one in (cursor, foreign):
        with pytest.raises(IndexChanged):
            page(of, one)


def test_an_organization_that_was_never_indexed_finds_nothing() -> None:
    assert found(make.organization(), "pump") == []


def test_rights_are_asked_when_it_is_searched() -> None:
    [mission] = missions("Pump")
    stranger = Actor.user(make.person().pk)

    with pytest.raises(AccessDenied):
        found(mission.organization, "pump", by=stranger)


@pytest.mark.parametrize("organizations", [[], [1, 2]])
def test_a_scope_of_no_or_several_organizations_is_an_error(organizations: list[int]) -> None:
    with (
        scope(organizations) as entered,
        transaction.atomic(),
        pytest.raises(NoScope, match="exactly one organization"),
    ):
        search(entered, "pump")


def test_an_unknown_organization_is_an_error() -> None:
    with scope(10**12) as entered, transaction.atomic(), pytest.raises(NoScope, match="not there"):
        search(entered, "pump")


def test_a_scope_that_is_not_in_force_shows_nothing_of_its_organization() -> None:
    [theirs] = missions("Pump")
    mine = make.organization()

    with scope(mine), transaction.atomic(), pytest.raises(NoScope):
        search(Scope(organizations=frozenset({theirs.organization_id})), "pump")


def test_the_function_behind_it_knows_only_the_organizations_of_the_scope() -> None:
    [theirs] = missions("Pump")
    where = generation(theirs.organization)
    assert where is not None
    statement = "SELECT * FROM find_documents(%s, %s, %s, '{mission}', NULL, NULL, 10)"
    values: list[Any] = [theirs.organization_id, where.number, matching(read("pump"), where.number)]

    with scope(theirs.organization), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        assert len(cursor.fetchall()) == 1
    with scope(make.organization()), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        assert cursor.fetchall() == []
