"""Whatever somebody types: an answer, or our own error with a sentence; never another exception."""

import contextlib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from templates import analysis, catalogue, composition, document, language
from templates.composition import Options
from templates.errors import RenderingFailed

EVENT = catalogue.event_type("mission.changed")
SAMPLE = EVENT.sample("mail")

words = st.sampled_from(
    ["mission", "mission.title", "changed", "nothing", "1", "-3.5", "'a'", "''", "nil", "true",
     "(1..3)", "blank", "empty", "mission['title']", "changed[0]", "changed.first", "forloop",
     "mission.title.size", "9" * 30, "x"]
)  # fmt: skip
filters = st.builds(
    lambda name, arguments: f"{name}: {', '.join(arguments)}" if arguments else name,
    st.sampled_from(sorted(language.FILTERS)),
    st.lists(words, max_size=3),
)
outputs = st.builds(
    lambda word, chain: "{{ " + " | ".join([word, *chain]) + " }}",
    words,
    st.lists(filters, max_size=3),
)
comparisons = st.builds(
    lambda a, operator, b: f"{a} {operator} {b}",
    words,
    st.sampled_from(["==", "!=", "<", ">=", "contains", "and", "or", "<>", "="]),
    words,
)
breaks = st.sampled_from(["{{", "}}", "{%", "%}", "{% break %}", "{% liquid\nassign x = 1\n%}"])


def blocks(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("{{% if {} %}}{}{{% else %}}{}{{% endif %}}".format, comparisons, inner, inner),
        st.builds("{{% for x in {} %}}{}{{% endfor %}}".format, words, inner),
        st.builds("{{% assign x = {} | {} %}}{{{{ x }}}}".format, words, filters),
        st.builds("{{% capture x %}}{}{{% endcapture %}}{{{{ x }}}}".format, inner),
        st.builds("{{% case {} %}}{{% when {}, 1 %}}{}{{% endcase %}}".format, words, words, inner),
        st.builds("{{% cycle {}, 'b' %}}".format, words),
        st.builds("{}{}".format, inner, inner),
    )


pieces = st.recursive(st.one_of(outputs, st.text(max_size=5), breaks), blocks, max_leaves=6)


@settings(max_examples=400, deadline=None)
@given(pieces, st.booleans())
def test_liquid(source: str, html: bool) -> None:
    analysis.analyse(source, EVENT.schema("mail"), html=html)
    with contextlib.suppress(RenderingFailed):
        language.render(source, SAMPLE, part="text", html=html)


@settings(max_examples=150, deadline=None)
@given(pieces)
def test_a_whole_mail(source: str) -> None:
    sources = {"subject": source, "text": source, "html": source}
    with contextlib.suppress(RenderingFailed):
        message = composition.compose("mail", sources, SAMPLE, Options())
        assert len(message.subject.splitlines()) == 1


json_values: Any = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8) | pieces,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(st.text(), json_values.map(repr), json_values.map(lambda v: str(v).replace("'", '"')))
)
def test_a_webhook_document(source: str) -> None:
    analysis.check("mission.changed", "webhook", {"body": source})
    with contextlib.suppress(RenderingFailed):
        document.render(source, SAMPLE)


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda i: st.lists(i) | st.dictionaries(st.text(), i)
    )
)
def test_data_of_any_shape_in_our_own_default(data: Any) -> None:
    """Only `render` may see an event that no schema knows; it falls back to a bare message."""
    visible = catalogue.visible("mission.changed", "mail", {"mission": data, "changed": data})
    with contextlib.suppress(RenderingFailed):
        composition.compose("mail", EVENT.default("mail"), visible, Options(), repair=True)
