"""A job type is checked where it is declared, and reads payloads by its schema."""

import dramatiq
import pytest

from jobs import actors
from jobs.errors import ImpossibleDeclaration, PayloadInvalid, UnknownJobType
from jobs.job_types import GROUPS, Registry, job_type, registry
from tenancy.access import Permission
from tests.factories.jobs import Note, note_type

assert actors  # declares the job types of all families


@pytest.mark.parametrize(
    "name", ["", "notes", "tests.", ".note", "tests.note.twice", "Tests.note", "tests.a note"]
)
def test_a_name_that_is_not_family_and_verb_is_refused(name):
    with pytest.raises(ImpossibleDeclaration, match=r"family\.verb"):
        note_type(name=name)


def test_a_name_too_long_for_the_ledger_is_refused():
    with pytest.raises(ImpossibleDeclaration, match="64"):
        note_type(name=f"tests.{'x' * 59}")


def test_a_group_that_no_worker_serves_is_refused():
    with pytest.raises(ImpossibleDeclaration, match="no worker serves group 'reports'"):
        note_type(group="reports")


def test_a_name_can_be_declared_once():
    names = Registry()
    names.add(note_type(name="tests.note"))

    with pytest.raises(ImpossibleDeclaration, match="Two job types"):
        names.add(note_type(name="tests.note"))


def test_the_decorator_declares_the_function_below_it():
    policy = note_type().policy

    @job_type(
        "tests.decorated",
        payload=Note,
        group="audit",
        policy=policy,
        permission=Permission.MISSION_VIEW,
    )
    def decorated(run): ...

    assert registry.get("tests.decorated") is decorated
    assert decorated.family == "tests"
    registry.remove("tests.decorated")
    del dramatiq.get_broker().actors["tests.decorated"]


def test_a_job_type_that_is_declared_late_has_its_actor_all_the_same():
    late = note_type(group="indexing")

    registry.add(late)

    actor = dramatiq.get_broker().actors[late.name]
    assert (actor.queue_name, actor.options["time_limit"]) == ("indexing", 30_000)
    registry.remove(late.name)
    del dramatiq.get_broker().actors[late.name]


def test_the_broker_knows_every_group_also_one_without_a_job_type():
    assert dramatiq.get_broker().get_declared_queues() >= set(GROUPS)


def test_an_unknown_name_says_what_may_be_the_matter():
    with pytest.raises(UnknownJobType, match="worker of an older release"):
        registry.get("tests.unheard")


def test_a_payload_is_read_by_its_schema():
    assert note_type().read({"text": "hello"}) == Note(text="hello")


@pytest.mark.parametrize(
    "payload", [{"text": 1}, {"surprise": 1}, [], None, "text", {"text": None}, {"text": ["x"]}]
)
def test_a_payload_that_does_not_fit_is_refused_with_the_field(payload):
    with pytest.raises(PayloadInvalid, match="does not fit its schema"):
        note_type().read(payload)


def test_a_payload_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Note(text="a").text = "b"


def test_every_notification_type_has_fewer_retries_than_every_data_sync_type():
    retries = {"notifications": [], "search": [], "transfers": [], "audit": []}
    for one in registry:
        retries[one.family].append(one.policy.max_retries)
    data_sync = retries["search"] + retries["transfers"] + retries["audit"]

    assert retries["notifications"]
    assert all(few < many for few in retries["notifications"] for many in data_sync)
