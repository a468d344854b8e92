import jsonschema_rs
import pytest

from templates import analysis, catalogue, composition, schema
from templates.catalogue import EVENT_TYPES, EventType
from templates.composition import Options
from templates.errors import UnknownTemplate

BOTH = [(event, channel) for event in EVENT_TYPES.values() for channel in catalogue.CHANNELS]
IDS = [f"{event.name} by {channel}" for event, channel in BOTH]


@pytest.mark.parametrize(("event", "channel"), BOTH, ids=IDS)
def test_sample_and_hard_cases_fit_the_schema(event: EventType, channel: str) -> None:
    validator = jsonschema_rs.Draft202012Validator(event.schema(channel))

    for case in event.cases(channel):
        validator.validate(case.data)


@pytest.mark.parametrize(("event", "channel"), BOTH, ids=IDS)
def test_the_system_default_has_no_problem_and_renders_every_case(
    event: EventType, channel: str
) -> None:
    sources = event.default(channel)

    assert analysis.check(event.name, channel, sources) == []
    for case in event.cases(channel):
        message = composition.compose(channel, sources, case.data, Options())
        assert message.body or (message.subject and message.text and message.html)


def test_the_cases_are_the_hard_ones() -> None:
    cases = {case.name: case.data for case in EVENT_TYPES["mission.created"].cases("mail")}

    assert list(cases) == ["sample", "missing", "long", "right_to_left", "emoji"]
    assert cases["missing"]["mission"]["description"] is None
    assert len(cases["long"]["mission"]["title"]) > 1_000


def test_a_webhook_sees_no_recipient() -> None:
    assert "recipient" not in EVENT_TYPES["mission.created"].schema("webhook")["properties"]


def test_the_palette_names_every_variable_with_type_and_example() -> None:
    found = {
        one.path: one for one in schema.variables(EVENT_TYPES["mission.changed"].schema("mail"))
    }

    assert found["mission.starts_at"].type == "time"
    assert found["mission.starts_at"].nullable
    assert found["changed"].type == "list"
    assert found["changed[]"].example == "starts_at"
    assert found["actor.name"].personal


def test_personal_data_is_masked_and_nothing_else() -> None:
    form = EVENT_TYPES["assignment.created"].schema("mail")
    masked = schema.masked(form, EVENT_TYPES["assignment.created"].sample("mail"))

    assert masked["assignment"]["collaborator"]["name"] == "D•••O•••"
    assert masked["assignment"]["collaborator"]["email"] == "d•••@a•••.e•••"
    assert masked["mission"]["title"] == "Replace the signal mast"


def test_unknown_names_say_what_there_is() -> None:
    with pytest.raises(UnknownTemplate, match=r"mission\.created"):
        catalogue.event_type("mission.exploded")
    with pytest.raises(UnknownTemplate, match="mail, webhook"):
        catalogue.parts("pigeon")
