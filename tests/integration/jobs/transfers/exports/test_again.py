"""An export that was killed or failed begins anew: another snapshot, another object."""

from collections.abc import Callable
from pathlib import Path

import pytest

from jobs import deadletters
from jobs.families.transfers.models import Export
from jobs.families.transfers.store import Store, manifest_key, prefix, store

from .conftest import House

type Work = Callable[[], None]


def test_what_a_killed_attempt_left_is_removed_by_the_next(house: House, work: Work) -> None:
    house.entries({"title": "One"})
    export = house.ask("csv")
    earlier = f"{prefix(house.organization.pk)}exports/{export.pk}/0/half.csv"
    store().put(earlier, [b"written by an attempt whose worker was killed before it settled"])
    house.act(
        lambda: Export.objects.filter(pk=export.pk).update(
            state="running", object_key=earlier, rows=7, total=9
        )
    )

    work()

    done = house.now(export)
    assert (done.state, done.rows, done.total) == ("completed", 1, 1)
    assert done.object_key != earlier
    with pytest.raises(Exception, match="has no"):
        store().open(earlier)


def test_an_export_is_retried_once_the_store_is_back(
    house: House, work: Work, folder: Path
) -> None:
    house.entries({"title": "One"})
    export = house.ask("csv")
    folder.mkdir(parents=True)
    in_the_way = folder / "org"
    in_the_way.write_bytes(b"a file where a folder has to be")
    work()
    assert (house.now(export).state, house.now(export).error) == ("failed", "retries_exhausted")
    assert "OBJECT_STORE_URL" in house.job(export).error_message

    in_the_way.unlink()
    job_id = export.job_id
    assert job_id is not None
    house.act(lambda: deadletters.retry([job_id], reason="the store is back"))
    work()

    assert (house.now(export).state, house.now(export).error) == ("completed", "")
    assert b"One" in house.content(export)


def test_an_export_goes_to_a_bucket_as_well(house: House, in_bucket: Store, work: Work) -> None:
    house.entries({"title": "One"})
    export = house.ask("parquet")

    work()

    done = house.now(export)
    assert done.state == "completed"
    assert sum(map(len, in_bucket.open(done.object_key))) == done.bytes
    assert b"sha256" in b"".join(in_bucket.open(manifest_key(done.object_key)))
