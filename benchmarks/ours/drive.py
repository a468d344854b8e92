"""`python -m benchmarks.ours.drive VERB …`: what the product's own web process would do.

    seed ORGANIZATIONS           organizations with a mission and a person each
    fill JOB_TYPE JOBS           jobs in line, spread over the organizations, by `enqueue_many`
    enqueue JOB_TYPE JOBS MANY   the same, timed: one transaction for every MANY of them
    drop                         cancel all that waits
    ask SECONDS…                 one job after the other on an idle worker, after these pauses

Each prints one line of JSON.
"""

import json
import sys
import time
from dataclasses import replace
from itertools import batched, cycle, islice
from uuid import uuid4

import django

django.setup()

from django.db import transaction  # noqa: E402 - needs the settings

from benchmarks.ours.job_types import ALL, Work  # noqa: E402
from jobs.ledger import NewJob, enqueue, enqueue_many, relay, transitions  # noqa: E402
from jobs.ledger.models import Job  # noqa: E402
from jobs.ledger.transitions import JobRef  # noqa: E402
from tenancy import changes  # noqa: E402
from tenancy.acting import Actor, acting  # noqa: E402
from tenancy.models import (  # noqa: E402
    Collaborator,
    Membership,
    Mission,
    Organization,
    Project,
    User,
)
from tenancy.scope import operator_scope, scope  # noqa: E402

STEP = 1000


def seed(organizations: int) -> int:
    """Organizations with one project, one mission and one person each, and one editor of all.

    The editor stands behind the jobs, so that each of them has a membership to be looked up again.
    """
    editor = User.objects.create(email="editor@example.test", name="Editor")
    with operator_scope("made for a benchmark"), transaction.atomic():
        made = changes.create_many(
            Organization(name=f"Organization {n}", slug=f"bench-{n}-{uuid4().hex[:8]}")
            for n in range(organizations)
        )
    with scope(made), transaction.atomic():
        changes.create_many(Membership(organization=of, user=editor, role="editor") for of in made)
        projects = changes.create_many(
            Project(organization=of, code="P-1", name="Project") for of in made
        )
        changes.create_many(
            Mission(organization=of.organization, project=of, reference="M-1", title="Mission")
            for of in projects
        )
        changes.create_many(
            Collaborator(organization=of, name="Person", email=f"{of.slug}@example.test")
            for of in made
        )
    drop()  # the notifications that their missions are worth
    return len(made)


def fill(job_type: str, jobs: int) -> int:
    """So many jobs in line; Redis is declared whole first."""
    relay.recover()
    for step in batched(_new(jobs), STEP):
        _enqueue_many(job_type, list(step))
    return jobs


def timed(job_type: str, jobs: int, many: int) -> float:
    """Jobs enqueued a second, publishing included."""
    relay.recover()
    new = list(_new(jobs))
    began = time.perf_counter()
    if many == 1:
        for one in new:
            _enqueue(job_type, one)
    else:
        for step in batched(new, many):
            _enqueue_many(job_type, list(step))
    return jobs / (time.perf_counter() - began)


def drop() -> int:
    """Cancel what is in line, so that no later turn finds it."""
    with operator_scope("the jobs of a benchmark"), transaction.atomic():
        waiting = Job.objects.filter(state="queued").values_list("organization_id", "pk")
        refs = [JobRef(organization_id=of, job_id=job) for of, job in waiting]
    for step in batched(refs, STEP):
        with scope({ref.organization_id for ref in step}), transaction.atomic():
            transitions.cancel(step, reason="dropped")
    return len(refs)


def ask(pauses: list[float]) -> int:
    """One job after each pause, to be started by a worker that has nothing else to do."""
    relay.recover()
    [new] = _new(1)
    for pause in pauses:
        time.sleep(pause)
        asked = Work(asked=time.monotonic_ns())
        _enqueue("no_effect", replace(new, payload=asked, entity=("bench", uuid4().hex)))
    return len(pauses)


def _enqueue(job_type: str, new: NewJob[Work]) -> None:
    with scope(new.organization_id):
        enqueue(
            ALL[job_type],
            new.payload,
            organization_id=new.organization_id,
            project_id=new.project_id,
            actor_id=new.actor_id,
            entity=new.entity,
        )


def _enqueue_many(job_type: str, jobs: list[NewJob[Work]]) -> None:
    with scope({job.organization_id for job in jobs}), transaction.atomic():
        enqueue_many(ALL[job_type], jobs)


def _new(jobs: int) -> list[NewJob[Work]]:
    with operator_scope("the rows of a benchmark"), transaction.atomic():
        missions = list(Mission.objects.order_by("pk"))
        people = dict(Collaborator.objects.values_list("organization_id", "pk"))
    editor = str(Actor.user(User.objects.get(email="editor@example.test").pk))
    return [
        NewJob(
            payload=Work(mission_id=of.pk, collaborator_id=people[of.organization_id]),
            organization_id=of.organization_id,
            project_id=of.project_id,
            actor_id=editor,
            entity=("bench", uuid4().hex),
        )
        for of in islice(cycle(missions), jobs)
    ]


def main(verb: str, *arguments: str) -> object:
    match verb:
        case "seed":
            return seed(int(arguments[0]))
        case "fill":
            return fill(arguments[0], int(arguments[1]))
        case "enqueue":
            return timed(arguments[0], int(arguments[1]), int(arguments[2]))
        case "drop":
            return drop()
        case "ask":
            return ask([float(pause) for pause in arguments])
    raise SystemExit(__doc__)


if __name__ == "__main__":
    with acting(Actor.system(), source="command"):
        print(json.dumps(main(*sys.argv[1:])))
