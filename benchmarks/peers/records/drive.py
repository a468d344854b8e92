"""`python -m benchmarks.peers.records.drive seed N | fill ACTOR N | enqueue ACTOR N`."""

import json
import sys
import time

import django

django.setup()

from benchmarks.peers.records import actors  # noqa: E402 - needs the settings
from benchmarks.peers.records.models import Mission  # noqa: E402

ORGANIZATIONS = 1000


def seed():
    Mission.objects.bulk_create(
        Mission(organization_id=number, title="Mission") for number in range(ORGANIZATIONS)
    )
    return ORGANIZATIONS


def fill(actor, jobs):
    """Jobs sent a second, one by one: there is no other way."""
    began = time.perf_counter()
    for number in range(jobs):
        getattr(actors, actor).send(number % ORGANIZATIONS)
    return jobs / (time.perf_counter() - began)


if __name__ == "__main__":
    verb, *rest = sys.argv[1:]
    print(json.dumps(seed() if verb == "seed" else fill(rest[0], int(rest[1]))))
