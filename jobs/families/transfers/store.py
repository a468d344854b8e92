"""Where files lie: uploads, exports and reports, in a folder or in a bucket of an S3.

Keys begin with `org/{organization_id}/`, and nothing else says whose an object is: whoever asks has
looked its row up in the organization's scope. An object is whole or not there: it is written beside
its name (a folder's `name#1`, a bucket's multipart upload) and put in place at its end. A process
that is killed on the way leaves that rest: deleting the object takes it too, and in a bucket a
lifecycle rule for unfinished uploads should.

Bytes pass through in pieces; memory does not grow with an object. Calls block, and belong outside
any transaction.
"""

import hashlib
import os
import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from glob import escape
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import obstore
from django.conf import settings
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from jobs.families.transfers import links
from jobs.families.transfers.errors import NotThere, StoreFull, StoreUnavailable
from jobs.families.transfers.links import Download, Link

# Two parts are on their way while the next is filled.
PART_BYTES = 8 * 1024 * 1024
PARTS_AT_ONCE = 2
READ_BYTES = 1024 * 1024

# How the store words a disk, a quota or a file size that is used up.
FULL = ("(os error 28)", "(os error 122)", "(os error 27)", "507 ", "QuotaExceeded", "StorageFull")


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What was written."""

    bytes: int
    sha256: str  # hexadecimal


class Store(ABC):
    """What every store does; tests/integration/jobs/transfers/test_store.py holds each to it."""

    objects: LocalStore | S3Store

    def put(self, key: str, chunks: Iterable[bytes], *, served: Download | None = None) -> Stored:
        """Write an object, in place of one of this name, and say what was written.

        Whatever `chunks` raises passes through, and nothing is there then. `served`: what a link to
        it will say; a folder leaves that to the link. Raises StoreFull, StoreUnavailable.
        """
        digest, size = hashlib.sha256(), 0
        # Not `obstore.put`: it asks for the pieces inside its own event loop, where a piece that
        # comes from a store itself brings the process down.
        writer = obstore.open_writer(
            self.objects,
            key,
            buffer_size=PART_BYTES,
            max_concurrency=PARTS_AT_ONCE,
            attributes=self._attributes(served),
        )
        try:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                with _worded(key):
                    writer.write(chunk)
        except BaseException:
            with suppress(BaseError, OSError):
                writer.__exit__(*sys.exc_info())  # leaves the block by an error: it is given up
            raise
        with _worded(key):
            writer.close()
        return Stored(bytes=size, sha256=digest.hexdigest())

    def open(self, key: str) -> Iterator[bytes]:
        """The object, piece by piece. Raises NotThere at once, StoreUnavailable at any piece."""
        with _worded(key):
            found = obstore.get(self.objects, key)

        def pieces() -> Iterator[bytes]:
            with _worded(key):
                for piece in found.stream(min_chunk_size=READ_BYTES):
                    yield bytes(piece)

        return pieces()

    def delete(self, key: str) -> None:
        """Remove the object; one that is not there is as good as removed."""
        with suppress(NotThere), _worded(key):
            obstore.delete(self.objects, key)

    @abstractmethod
    def local(self, key: str) -> AbstractContextManager[Path]:
        """The object as a file to read, for as long as the block lasts. Raises NotThere."""

    @abstractmethod
    def delete_below(self, folder: str) -> None:
        """Remove all whose key begins with `folder`, which ends in a slash; none is no error."""

    def delete_organization(self, organization_id: int) -> None:
        """Remove all that an organization has here."""
        self.delete_below(prefix(organization_id))

    def older_than(self, age: timedelta) -> Iterator[str]:
        """The keys of all objects that were written so long ago, in no order."""
        before = datetime.now(UTC) - age
        with _worded(""):
            for page in obstore.list(self.objects, "org", chunk_size=1000):
                yield from (one["path"] for one in page if one["last_modified"] < before)

    @abstractmethod
    def signed_url(self, link: Link) -> str:
        """An address that gives this one object for three minutes, and nothing else."""

    @abstractmethod
    def _attributes(self, served: Download | None) -> Any: ...


class FileStore(Store):
    """A folder of this machine, or one that all machines mount."""

    objects: LocalStore

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.objects = LocalStore(folder, automatic_cleanup=True)

    def put(self, key: str, chunks: Iterable[bytes], *, served: Download | None = None) -> Stored:
        """The same, and on the disk: a row that names the object may be committed after it."""
        stored = super().put(key, chunks, served=served)
        with _worded(key):
            for place in (self.folder / key, (self.folder / key).parent):
                _sync(place)
        return stored

    def delete(self, key: str) -> None:
        """The rest of an interrupted write of it too."""
        super().delete(key)
        place = self.folder / key
        for rest in place.parent.glob(f"{escape(place.name)}#*"):
            with _worded(key):
                rest.unlink(missing_ok=True)

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """The file itself: not to be written to."""
        with _worded(key):
            obstore.head(self.objects, key)
        yield self.folder / key

    def delete_below(self, folder: str) -> None:
        """The rests of interrupted writes too."""
        with _worded(folder), suppress(FileNotFoundError):
            shutil.rmtree(self.folder / folder)

    def signed_url(self, link: Link) -> str:
        """An address of ours: jobs/api/files.py serves it."""
        return links.address(link)

    def _attributes(self, served: Download | None) -> Any:
        return None


class BucketStore(Store):
    """A bucket of an S3; credentials come from the usual AWS_* variables.

    Here a link is the bearer's: within its three minutes, whoever has it gets the object.
    """

    objects: S3Store

    def __init__(self, bucket: str, *, prefix: str, endpoint: str, region: str) -> None:
        options: dict[str, Any] = {"endpoint": endpoint} if endpoint else {}
        self.objects = S3Store(
            bucket,
            prefix=prefix or None,
            region=region,
            # Only Amazon's own resolves a name for each bucket.
            virtual_hosted_style_request=not endpoint,
            client_options={
                "allow_http": endpoint.startswith("http://"),
                # Of one request, its body included.
                "timeout": timedelta(minutes=5),
            },
            # The job is what waits longer.
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=30)},
            **options,
        )

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """A copy, gone with the block."""
        with NamedTemporaryFile(prefix="object-") as file:
            for piece in self.open(key):
                file.write(piece)
            file.flush()
            yield Path(file.name)

    def delete_below(self, folder: str) -> None:
        """A thousand at a time."""
        with _worded(folder):
            for page in obstore.list(self.objects, folder, chunk_size=1000):
                obstore.delete(self.objects, [one["path"] for one in page])

    def signed_url(self, link: Link) -> str:
        """An address of the bucket, signed by its credentials: it asks neither us nor who comes."""
        with _worded(link.key):
            return obstore.sign(self.objects, "GET", link.key, links.LIFETIME)

    def _attributes(self, served: Download | None) -> Any:
        return served.headers if served else None


def prefix(organization_id: int) -> str:
    """What the keys of an organization begin with."""
    return f"org/{organization_id}/"


def manifest_key(key: str) -> str:
    """Where it stands what the object of this key is."""
    return f"{key.rpartition('/')[0]}/manifest.json"


def store() -> Store:
    """The store that OBJECT_STORE_URL names."""
    return _store(**settings.OBJECT_STORE)


@cache
def _store(**place: Any) -> Store:
    return FileStore(place["folder"]) if "folder" in place else BucketStore(**place)


@contextmanager
def _worded(key: str) -> Iterator[None]:
    """What the store says of a key, in our words."""
    try:
        yield
    except FileNotFoundError as error:
        # A bucket that is not there is no answer about an object.
        if "NoSuchBucket" in str(error):
            raise StoreUnavailable(key, "there is no such bucket") from error
        raise NotThere(key) from error
    except (BaseError, OSError) as error:
        why = str(error).partition("\n")[0]
        raise (StoreFull if any(word in why for word in FULL) else StoreUnavailable)(
            key, why
        ) from error


def _sync(place: Path) -> None:
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
