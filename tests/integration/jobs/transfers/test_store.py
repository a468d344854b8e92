"""What every store does, and then what is particular to one of them."""

import hashlib
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.families.transfers.errors import NotThere, StoreUnavailable
from jobs.families.transfers.links import Download, Link
from jobs.families.transfers.store import BucketStore, FileStore, Store
from tenancy.access import Permission

KEY = "org/7/exports/a/timeline.csv"
MIB = 1024 * 1024
SERVED = Download(file_name="timeline.csv", content_type="text/csv; charset=utf-8")


def content(store: Store, key: str = KEY) -> bytes:
    return b"".join(store.open(key))


def link(key: str = KEY) -> Link:
    return Link(
        organization_id=7,
        key=key,
        actor="user:1",
        permission=Permission.TRANSFER_EXPORT,
        served=SERVED,
    )


# -- every store ----------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [[], [0], [3], [1, 0, 20 * MIB, 5]], ids=str)
def test_what_was_put_comes_back_with_its_size_and_digest(objects: Store, sizes: list[int]) -> None:
    chunks = [bytes([65 + number]) * size for number, size in enumerate(sizes)]

    stored = objects.put(KEY, chunks)

    whole = b"".join(chunks)
    assert (stored.bytes, stored.sha256) == (len(whole), hashlib.sha256(whole).hexdigest())
    assert content(objects) == whole


def test_putting_again_replaces_the_object(objects: Store) -> None:
    objects.put(KEY, [b"old and long"])

    objects.put(KEY, [b"new"])

    assert content(objects) == b"new"


@pytest.mark.parametrize("size", [1, 20 * MIB])
def test_what_fails_on_the_way_leaves_nothing_under_the_name(objects: Store, size: int) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x" * size
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        objects.put(KEY, broken())

    with pytest.raises(NotThere):
        objects.open(KEY)


def test_what_fails_on_the_way_leaves_the_object_that_was_there(objects: Store) -> None:
    objects.put(KEY, [b"before"])

    def broken() -> Iterator[bytes]:
        yield b"x" * 20 * MIB
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        objects.put(KEY, broken())

    assert content(objects) == b"before"


def test_nothing_is_seen_of_an_object_until_it_is_whole(objects: Store) -> None:
    seen: list[bool] = []

    def watching() -> Iterator[bytes]:
        for _ in range(3):
            yield b"x" * 10 * MIB
            with pytest.raises(NotThere):
                objects.open(KEY)
            seen.append(False)

    objects.put(KEY, watching())

    assert seen == [False] * 3
    assert len(content(objects)) == 30 * MIB


def test_an_object_is_copied_piece_by_piece(objects: Store) -> None:
    objects.put(KEY, [b"x" * 10 * MIB])

    objects.put("org/7/copy", objects.open(KEY))

    assert content(objects, "org/7/copy") == content(objects)


def test_an_object_that_is_not_there_is_said_so_at_once(objects: Store) -> None:
    objects.put("org/7/another", [b"x"])

    with pytest.raises(NotThere, match=KEY):
        objects.open(KEY)
    with pytest.raises(NotThere), objects.local(KEY):
        pass


def test_an_object_can_be_read_as_a_file(objects: Store) -> None:
    objects.put(KEY, [b"a" * 3 * MIB, b"b"])

    with objects.local(KEY) as path:
        assert path.read_bytes() == b"a" * 3 * MIB + b"b"

    assert content(objects)[-1:] == b"b"


def test_what_is_deleted_is_gone_and_deleting_it_again_is_no_error(objects: Store) -> None:
    objects.put(KEY, [b"x"])

    objects.delete(KEY)
    objects.delete(KEY)

    with pytest.raises(NotThere):
        objects.open(KEY)


def test_the_objects_of_one_organization_go_and_no_others(objects: Store) -> None:
    mine = [f"org/7/exports/{number}/file" for number in range(5)]
    theirs = ["org/70/exports/0/file", "org/8/imports/0/upload"]
    for key in (*mine, *theirs):
        objects.put(key, [b"x"])

    objects.delete_organization(7)
    objects.delete_organization(7)

    for key in mine:
        with pytest.raises(NotThere):
            objects.open(key)
    assert [content(objects, key) for key in theirs] == [b"x", b"x"]


@pytest.mark.parametrize("key", ["org/7/../8/x", "../x", "org/7/a\0b", "org//x"])
def test_a_key_that_leads_elsewhere_is_refused(objects: Store, key: str) -> None:
    with pytest.raises(ValueError, match="path"):
        objects.put(key, [b"x"])


# -- a folder -------------------------------------------------------------------------------------


def test_a_folder_is_closed_to_other_users(tmp_path: Path) -> None:
    FileStore(tmp_path / "new" / "objects")

    assert (tmp_path / "new" / "objects").stat().st_mode & 0o077 == 0


def test_the_rest_of_a_write_that_was_killed_goes_with_the_organization(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    (tmp_path / "org/7/exports").mkdir(parents=True)
    (tmp_path / "org/7/exports/half#1").write_bytes(b"half")

    store.delete_organization(7)

    assert not (tmp_path / "org/7").exists()


def test_deleting_an_object_takes_the_rest_of_a_write_that_was_killed(tmp_path: Path) -> None:
    folder = tmp_path / "objects"
    script = f"""
from pathlib import Path
from jobs.families.transfers.store import FileStore
def pieces():
    yield b"x" * {20 * MIB}
    print("half", flush=True)
    input()
FileStore(Path({str(folder)!r})).put({KEY!r}, pieces())
"""
    with subprocess.Popen(
        [sys.executable, "-c", f"import django; django.setup(){script}"],
        env={"DJANGO_SETTINGS_MODULE": "jobsite.settings", "DATA_DIR": str(tmp_path / "data")},
        cwd=Path(__file__).parents[4],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"half\n"
        writer.kill()
    other = folder / f"{KEY}.other#1"
    other.write_bytes(b"of another object")
    assert len([one for one in folder.rglob("*") if one.is_file()]) == 2

    FileStore(folder).delete(KEY)

    assert [one for one in folder.rglob("*") if one.is_file()] == [other]


def test_a_full_disk_is_said_to_be_full(tmp_path: Path) -> None:
    # No disk can be filled here; a limit on the size of files is the nearest thing.
    script = f"""
import resource
from pathlib import Path
from jobs.families.transfers.errors import StoreFull
from jobs.families.transfers.store import FileStore
store = FileStore(Path({str(tmp_path)!r}))
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    store.put({KEY!r}, [b"x" * 3_000_000])
except StoreFull as error:
    print(error)
"""
    told = subprocess.run(
        [sys.executable, "-c", f"import django; django.setup(){script}"],
        env={"DJANGO_SETTINGS_MODULE": "jobsite.settings", "DATA_DIR": str(tmp_path / "data")},
        cwd=Path(__file__).parents[4],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert "no room" in told
    assert not (tmp_path / KEY).exists()


def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    (tmp_path / "org").write_bytes(b"a file where a folder has to be")

    with pytest.raises(StoreUnavailable, match="OBJECT_STORE_URL"):
        store.put(KEY, [b"x"])


# -- a bucket -------------------------------------------------------------------------------------


def _status(url: str) -> int:
    try:
        return int(urllib.request.urlopen(url).status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_bucket_gives_the_linked_object_as_a_file(bucket: BucketStore) -> None:
    bucket.put(KEY, [b"a,b\n"], served=SERVED)

    with urllib.request.urlopen(bucket.signed_url(link())) as answer:
        assert answer.read() == b"a,b\n"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="timeline.csv"'
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_bucket_refuses_a_link_that_was_changed(bucket: BucketStore) -> None:
    bucket.put(KEY, [b"x"], served=SERVED)
    bucket.put("org/8/exports/a/timeline.csv", [b"of another"], served=SERVED)
    url = bucket.signed_url(link())

    assert _status(url) == 200
    assert _status(url + "&response-content-type=text/html") == 403
    assert _status(url.replace("org/7", "org/8")) == 403
    assert _status(url.replace("X-Amz-Expires=180", "X-Amz-Expires=9999")) == 403
    assert _status(url.partition("?")[0]) == 403


def test_a_link_to_an_object_that_was_removed_gives_nothing(bucket: BucketStore) -> None:
    bucket.put(KEY, [b"x"], served=SERVED)
    url = bucket.signed_url(link())

    bucket.delete_organization(7)

    assert _status(url) == 404


def test_a_bucket_that_does_not_answer_or_refuses_us_is_unavailable(
    s3_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = BucketStore("tests", prefix="", endpoint="http://127.0.0.1:9", region="us-east-1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    refusing = BucketStore("tests", prefix="", endpoint=s3_endpoint, region="us-east-1")

    for store in (away, refusing):
        with pytest.raises(StoreUnavailable, match="OBJECT_STORE_URL"):
            store.put(KEY, [b"x"])
        with pytest.raises(StoreUnavailable):
            store.open(KEY)


def test_a_bucket_that_is_not_there_is_unavailable_and_not_empty(s3_endpoint: str) -> None:
    store = BucketStore("no-such-bucket", prefix="", endpoint=s3_endpoint, region="us-east-1")

    with pytest.raises(StoreUnavailable, match="no such bucket"):
        store.open(KEY)
