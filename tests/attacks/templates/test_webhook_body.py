"""Values that would like to be JSON of their own."""

import json

from hypothesis import given
from hypothesis import strategies as st

from templates import document

SOURCE = (
    '{"title": "{{ mission.title }}", "same": {"$value": "mission.title"}, "k": ["{{ a }}", 1]}'
)


@given(st.text(), st.text())
def test_no_value_leaves_its_string(title: str, other: str) -> None:
    title, other = (text.encode("utf-8", "replace").decode() for text in (title, other))

    body = json.loads(document.render(SOURCE, {"mission": {"title": title}, "a": other}))

    assert body == {"title": title, "same": title, "k": [other, 1]}


def test_liquid_in_the_data_is_not_liquid() -> None:
    body = document.render(SOURCE, {"mission": {"title": "{{ a }}"}, "a": "{% if x %}"})

    assert json.loads(body)["title"] == "{{ a }}"
