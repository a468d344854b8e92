"""The words of a text, the same for what is indexed and for what is asked."""

import pytest

from jobs.families.search.backends.postgresql.vector import vector
from jobs.families.search.documents import Document
from jobs.families.search.tokens import prefixed, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Replace the PUMP", ["replace", "the", "pump"]),
        ("Straße ÉTUDE Ångström", ["strasse", "etude", "angstrom"]),
        ("MSN-1042", ["msn-1042", "msn", "1042"]),
        ("（ＭＳＮ）", ["msn"]),
        ("港湾局", ["港湾", "湾局"]),
        ("港", ["港"]),
        ("ガス", ["ガス"]),
        ("it's a_b *:* ' OR 1=1", ["it", "s", "a_b", "a", "b", "or", "1", "1"]),
        ("", []),
        ("x" * 100, ["x" * 64]),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_two_generations_have_no_word_in_common() -> None:
    assert prefixed(1, "2:a") != prefixed(12, "a")
    assert len({prefixed(number, "a") for number in range(100)}) == 100


def test_a_vector_has_each_word_once_with_its_places_and_weights() -> None:
    document = Document(
        organization_id=1,
        kind="mission",
        entity_id=1,
        version=1,
        title="pump and pump",
        text="pump",
    )

    assert vector(document, 36) == "'10:pump':11A,13A,44D '10:and':12A"


def test_a_tombstone_has_no_word() -> None:
    gone = Document(
        organization_id=1, kind="mission", entity_id=1, version=2, deleted=True, title="pump"
    )

    assert vector(gone, 1) == ""
