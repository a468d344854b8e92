"""The page for developers runs as printed: files written as it says, and a real worker."""

import importlib
import re
import sys
from contextlib import contextmanager
from pathlib import Path
from textwrap import indent

import dramatiq
import pytest

import jobs.families
from audit.models import AuditEvent
from jobs.job_types import registry
from jobs.ledger import enqueue, relay
from jobs.ledger.transitions import JobRef
from tenancy.acting import Actor, acting
from tenancy.models import Mission
from tests.factories import member, mission
from tests.factories.jobs import at
from tests.integration.jobs.execution.looking import letter, until
from tests.integration.jobs.notifications.servers import answer, receiver, status

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = Path(__file__).resolve().parents[3] / "docs/extend/job-types.md"
DECLARATION, IMPORT, ENQUEUE, WRITE, OUTSIDE = re.findall(
    r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL
)

# Its lines stand inside an actor like the first.
TOUCH = f"""
from tenancy.postgresql.flush import Statement


@job_type(
    "missions.touch",
    group="backfill",
    payload=CloseMission,
    policy=Policy(max_retries=0),
    permission=Permission.MISSION_EDIT,
)
def touch_mission(run: Run[CloseMission]) -> None:
{indent(WRITE, "    ")}
"""


@pytest.fixture
def family(tmp_path, monkeypatch):
    """The family `missions`, in files as the page says, loaded by the page's own import."""
    folder = tmp_path / "missions"
    folder.mkdir()
    (folder / "__init__.py").write_text('"""Missions that close themselves."""\n')
    (folder / "job_types.py").write_text(DECLARATION + TOUCH + OUTSIDE)
    monkeypatch.setattr(jobs.families, "__path__", [*jobs.families.__path__, str(tmp_path)])
    exec(IMPORT, {})
    yield importlib.import_module("jobs.families.missions.job_types")
    for name in ("missions.close", "missions.touch", "missions.announce"):
        registry.remove(name)
        del dramatiq.get_broker().actors[name]
    for name in [one for one in sys.modules if one.startswith("jobs.families.missions")]:
        del sys.modules[name]
    del jobs.families.missions


@pytest.fixture
def target():
    return mission(state="active")


@pytest.fixture
def editor(target):
    """As in the demo: the mission's organization is the only one of this editor."""
    return member(target.organization, role="editor")


@contextmanager
def working():
    relay.recover()
    broker = dramatiq.get_broker()
    worker = dramatiq.Worker(broker, queues={"backfill"}, worker_threads=1, worker_timeout=50)
    worker.start()
    try:
        yield
    finally:
        worker.stop()


def now(target) -> Mission:
    with at(target.organization):
        return Mission.objects.get(pk=target.pk)


def enqueued(editor, target, source=ENQUEUE) -> JobRef:
    """By the lines of the page, of which only the demo's editor is another here."""
    shell = {}
    exec(source.replace("editor@north.example", editor.email), shell)
    return JobRef(organization_id=target.organization_id, job_id=shell["enqueued"].job_id)


def test_the_job_of_the_page_is_done(family, editor, target):
    with working():
        ref = enqueued(editor, target)
        until(ref, "succeeded")

    assert now(target).state == "completed"


def test_without_an_actor_it_is_dead_for_the_reason_that_the_page_names(family, editor, target):
    nobody = ENQUEUE.replace('acting(Actor.user(editor.pk), source="command"), ', "")
    assert nobody != ENQUEUE

    with working():
        ref = enqueued(editor, target, nobody)
        until(ref, "dead")

    assert letter(ref).reason == "authorization_revoked"
    assert "system does not hold mission.edit" in letter(ref).error_message
    assert now(target).state == "active"


def test_the_statement_of_the_page_is_written_with_the_settle(family, editor, target):
    payload = family.CloseMission(mission_id=target.pk)

    with working():
        until(asked(family.touch_mission, payload, editor, target), "succeeded")

    assert now(target).title == "Touched."
    with at(target.organization):
        event = AuditEvent.objects.get(action="mission.touched", target_id=str(target.pk))
    assert event.actor == f"user:{editor.pk}"


def test_the_effect_outside_arrives_under_its_id_and_is_noted(family, editor, target):
    with working(), receiver(answer(status(200))) as there:
        ref = announced(family, editor, target, there.url())
        until(ref, "succeeded")

    [request] = there.requests
    assert request.startswith(b"PUT ")
    assert b"idempotency-key: " in request.lower()
    assert now(target).description == "Announced."


def announced(family, editor, target, url) -> JobRef:
    payload = family.AnnounceMission(mission_id=target.pk, url=url)
    return asked(family.announce_mission, payload, editor, target)


def asked(job_type, payload, editor, target) -> JobRef:
    with acting(Actor.user(editor.pk), source="web"), at(target.organization):
        job = enqueue(
            job_type,
            payload,
            organization_id=target.organization_id,
            entity=("mission", str(target.pk)),
        )
    return JobRef(organization_id=target.organization_id, job_id=job.job_id)
