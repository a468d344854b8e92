"""The builds of one organization's index: which are written, and which one readers use.

The only writer of `SearchGeneration.state`. Readers move from one generation to the next by one
commit, index jobs write all that are not dropped.
"""

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from jobs.families.search.backends import Generation
from jobs.families.search.backends.choose import backend
from jobs.families.search.errors import NoOlderIndex, ReindexUnderWay
from jobs.families.search.models import WRITTEN, GenerationState, SearchGeneration
from tenancy import clock

KEEP = timedelta(hours=24)
"""How long the generation before is written, so that going back is one step."""


def of(organization_id: int) -> QuerySet[SearchGeneration]:
    """All of this organization, in its scope."""
    return SearchGeneration.objects.filter(organization_id=organization_id)


def live(organization_id: int) -> Generation | None:
    """The generation that readers use; None where nothing was ever indexed."""
    row = of(organization_id).filter(state=GenerationState.LIVE).first()
    return None if row is None else named(row)


def named(row: SearchGeneration) -> Generation:
    """As a backend is told of it."""
    return Generation(organization_id=row.organization_id, number=row.pk)


def first(organization_id: int) -> None:
    """Make an organization's first generation, live at once; does nothing if another was quicker.

    It is empty, and so was every index before it: whatever was counted has a job, or is found
    missing by the reconciler.
    """
    now = clock.now()
    new = _new(organization_id, "the first", state=GenerationState.LIVE, live_at=now)
    SearchGeneration.objects.bulk_create([new], ignore_conflicts=True)


def begin(organization_id: int, reason: str, *, per_second: int | None) -> SearchGeneration:
    """A new one to fill beside the live one. Raises ReindexUnderWay."""
    new = _new(organization_id, reason, state=GenerationState.BUILDING, per_second=per_second)
    try:
        with transaction.atomic():
            new.save()
    except IntegrityError as error:
        raise ReindexUnderWay(organization_id) from error
    return new


def swap(new: SearchGeneration) -> None:
    """Let readers use this one. The one before goes on being written; one older still, no more."""
    now, mine = clock.now(), of(new.organization_id)
    mine.filter(state=GenerationState.RETIRED).update(state=GenerationState.DROPPED, drop_at=now)
    before = mine.filter(state=GenerationState.LIVE)
    before.update(state=GenerationState.RETIRED, drop_at=now + KEEP)
    mine.filter(pk=new.pk).update(state=GenerationState.LIVE, live_at=now, drop_at=None)


def swap_back(organization_id: int) -> None:
    """Let readers use the one before again. Raises NoOlderIndex."""
    older = of(organization_id).filter(state=GenerationState.RETIRED).select_for_update().first()
    if older is None:
        raise NoOlderIndex(organization_id)
    now, mine = clock.now(), of(organization_id)
    mine.filter(state=GenerationState.LIVE).update(
        state=GenerationState.RETIRED, drop_at=now + KEEP
    )
    mine.filter(pk=older.pk).update(state=GenerationState.LIVE, live_at=now, drop_at=None)


def give_up(row: SearchGeneration, why: str) -> None:
    """Drop one that was never live."""
    of(row.organization_id).filter(pk=row.pk, state=GenerationState.BUILDING).update(
        state=GenerationState.DROPPED, drop_at=clock.now(), reason=why[:300]
    )


def drop_all(organization_id: int) -> None:
    """Of an organization that is suspended: from this transaction on nobody finds anything."""
    of(organization_id).filter(state__in=WRITTEN).update(
        state=GenerationState.DROPPED, drop_at=clock.now()
    )


def _new(organization_id: int, reason: str, **more: object) -> SearchGeneration:
    return SearchGeneration(
        organization_id=organization_id, backend=backend().name, reason=reason, **more
    )
