"""Redis's copy of the controls, for its scripts to act on at the next fetch. Rows are the truth.

It is written after each commit (`push`), before the jobs of a recovery (`restore`), and compared
with the rows every few seconds (`reconcile`), which mends what an outage or an old snapshot left
behind.
"""

from collections.abc import Sequence
from itertools import batched
from typing import Literal

import structlog
from django.db import transaction
from django.db.models import QuerySet

from jobs.broker.errors import BrokerUnavailable
from jobs.broker.messages import Control
from jobs.broker.notices import Notice, publish
from jobs.job_types import GROUPS
from jobs.ledger.controls import QueueControl
from jobs.ledger.publish import queues
from tenancy.scope import engine_scope

log = structlog.get_logger(__name__)

DEFAULT = Control()
BATCH = 500


def push(organization_id: int, groups: Sequence[str]) -> bool:
    """Copy what was just committed; False when Redis would not take it, and `reconcile` has to.

    Under a lock on the rows, so that of two changes the later one is copied last.
    """
    try:
        with engine_scope(), transaction.atomic():
            mine = QueueControl.objects.filter(organization_id=organization_id)
            for row in _locked(mine.filter(queue_group__in=groups)):
                _copy(row.queue_group, {organization_id: _control(row)})
    except BrokerUnavailable as error:
        log.warning("controls_push_deferred", organization_id=organization_id, error=str(error))
        return False
    return True


def restore() -> None:
    """Copy all of them into a Redis that lost its data, before its jobs: what was paused stays so.

    In the engine's scope and a transaction. Raises BrokerUnavailable.
    """
    for group in GROUPS:
        for step in batched(_in_force(group).items(), BATCH):
            queues().control(group, dict(step), recovering=True)


def reconcile() -> int:
    """Make Redis's copy agree with the rows; returns how many queues it had wrong.

    Raises BrokerUnavailable.
    """
    wrong = 0
    for group in GROUPS:
        # Redis first: what is committed and copied in between then looks right, not wrong.
        copied = {one: of for one, of in queues().controls(group).items() if one is not None}
        with engine_scope(), transaction.atomic():
            rows = _in_force(group)
        differing = [
            one
            for one in sorted(copied.keys() | rows.keys())
            if copied.get(one, DEFAULT) != rows.get(one, DEFAULT)
        ]
        for step in batched(differing, BATCH):
            _mend(group, step)
        wrong += len(differing)
    if wrong:
        log.warning("controls_mended", queues=wrong)
    return wrong


def _mend(group: str, organization_ids: Sequence[int]) -> None:
    with engine_scope(), transaction.atomic():
        rows = QueueControl.objects.filter(queue_group=group, organization_id__in=organization_ids)
        found = {row.organization_id: _control(row) for row in _locked(rows)}
        _copy(group, {one: found.get(one, DEFAULT) for one in organization_ids})


def _copy(group: str, controls: dict[int | None, Control]) -> None:
    """To Redis, in force for the next fetch; and to workers that have fetched already."""
    queues().control(group, controls)
    for organization_id, control in controls.items():
        kind: Literal["paused", "resumed"] = "paused" if control.is_paused else "resumed"
        assert organization_id is not None  # rows have one
        publish(queues(), Notice(kind=kind, organization_id=organization_id, group=group))


def _control(row: QueueControl) -> Control:
    return Control(
        weight=row.weight,
        limit=row.concurrency_limit,
        rate=row.rate_per_second,
        burst=row.burst,
        is_paused=row.is_paused,
    )


def _in_force(group: str) -> dict[int, Control]:
    rows = QueueControl.objects.filter(queue_group=group).in_force().iterator(chunk_size=BATCH)
    found = {row.organization_id: _control(row) for row in rows}
    return {one: control for one, control in found.items() if control != DEFAULT}


def _locked(rows: QuerySet[QueueControl]) -> QuerySet[QueueControl]:
    return rows.select_for_update(of=("self",)).order_by("pk")
