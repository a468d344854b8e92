"""The jobs: nothing at all, and the same effect as ours."""

import json

import dramatiq
from django.db import transaction

from benchmarks.peers.records.models import AuditEvent, Mission
from benchmarks.ticks import tick


@dramatiq.actor
def noop(organization_id):
    tick()


@dramatiq.actor
def effect(organization_id):
    with transaction.atomic():
        Mission.objects.filter(organization_id=organization_id).update(title="touched")
        event = {"action": "mission.touched", "organization_id": organization_id}
        AuditEvent.objects.create(organization_id=organization_id, event=json.dumps(event))
    tick()
