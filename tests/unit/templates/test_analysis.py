from templates import analysis
from templates.analysis import Problem


def problems(source: str, *, part: str = "text", event: str = "mission.changed") -> list[Problem]:
    sources = {"subject": "s", "text": "t", "html": ""} | {part: source}
    return analysis.check(event, "mail", sources)


def places(found: list[Problem]) -> list[tuple[int | None, int | None, str]]:
    return [(one.line, one.column, one.message) for one in found]


def test_all_errors_are_told_each_with_its_place() -> None:
    source = (
        "{{ mission.titel }}\n{% if mission.title = 3 %}x{% endif %}\n  {{ mission.title | upcas }}"
    )

    assert places(problems(source)) == [
        (1, 4, "unknown variable mission.titel; did you mean `mission.title`?"),
        (2, 21, "expected end of expression, found '='"),
        (3, 22, "there is no filter 'upcas'; did you mean `upcase`?"),
    ]


def test_a_misspelt_object_is_found_by_its_whole_path() -> None:
    [problem] = problems("{{ misson.title }}")

    assert problem.message.endswith("did you mean `mission.title`?")


def test_variables_are_followed_through_assign() -> None:
    [problem] = problems("{% assign m = mission %}{{ m.title }}{{ m.titel }}")

    assert problem.message == "unknown variable m.titel; did you mean `m.title`?"


def test_a_loops_item_has_the_type_of_the_list() -> None:
    source = "{% for field in changed %}{{ field }}{{ field.name }}{% endfor %}{{ field }}"

    assert [one.message for one in problems(source)] == [
        "unknown variable field.name",
        "unknown variable field",
    ]


def test_what_may_be_missing_without_default_is_a_warning() -> None:
    [problem] = problems("{{ mission.description }}")

    assert problem.severity == "warning"
    assert "default" in problem.message


def test_what_may_be_missing_is_fine_with_default_or_behind_a_question() -> None:
    asked = "{% unless mission.ends_at %}{% else %}{{ mission.ends_at }}{% endunless %}"

    assert problems("{{ mission.description | default: '–' }}") == []
    assert problems("{% if mission.description %}{{ mission.description }}{% endif %}") == []
    assert problems(asked) == []


def test_an_object_cannot_be_written_out() -> None:
    [problem] = problems("{{ mission }}")

    assert "is an object" in problem.message


def test_a_block_that_is_not_closed_is_told_at_the_end() -> None:
    assert places(problems("{% if mission.title %}a")) == [(1, 24, "{% endif %} is missing")]


def test_a_misspelt_block_is_told_once_and_its_end_not_again() -> None:
    assert len(problems("{% fi mission.title %}a{% endif %}")) == 1


def test_tags_that_could_load_something_do_not_exist() -> None:
    [problem] = problems("{% include 'x' %}")

    assert problem.message == "there is no tag 'include'"


def test_elements_that_mails_cannot_have_are_warned_of_once() -> None:
    found = problems("<p>a</p><form></form><FORM>", part="html")

    assert [(one.severity, one.message) for one in found] == [
        ("warning", "<form> is taken out of mails")
    ]


def test_an_empty_required_part_is_an_error() -> None:
    assert [one.part for one in problems("  ")] == ["text"]


def test_problems_inside_a_webhook_document_have_its_lines() -> None:
    body = (
        '{\n  "a": "{{ mission.titel }}",\n'
        '  "b": {"$value": "mision"},\n  "c": {"$value": "a b"}\n}'
    )

    found = analysis.check("mission.created", "webhook", {"body": body})

    assert [(one.line, one.column) for one in found][:2] == [(2, 12), (3, 20)]
    assert len(found) == 3


def test_a_value_of_a_webhook_document_may_be_null_or_an_object() -> None:
    body = '{"a": {"$value": "mission"}, "b": {"$value": "mission.description"}}'

    assert analysis.check("mission.created", "webhook", {"body": body}) == []


def test_a_document_that_is_not_json_is_told_where() -> None:
    [problem] = analysis.check("mission.created", "webhook", {"body": '{\n "a": }'})

    assert (problem.line, problem.column) == (2, 7)
