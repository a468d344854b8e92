"""A real S3 for tests: SeaweedFS on this machine, with one identity and a folder that goes.

Keys: KEY and SECRET. A bucket is made by the first object that is written to it, which is what
`make_bucket` does: meanwhile, on a busy machine, others are told that there is none.
"""

import json
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from jobsite.embedded import process
from tests.waiting import eventually

KEY, SECRET = "tests", "a secret of the tests"
WEED = Path(sys.executable).with_name("weed")
PORTS = ("master", "volume", "filer", "s3")
IDENTITY = {
    "name": "tests",
    "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
    "actions": ["Admin", "Read", "Write", "List"],
}


@contextmanager
def running() -> Iterator[str]:
    """Its endpoint, `http://127.0.0.1:port`; killed at the end, since nothing of it is kept."""
    with TemporaryDirectory(prefix="seaweed-", dir="/tmp") as name:
        folder = Path(name)
        (folder / "identities.json").write_text(json.dumps({"identities": [IDENTITY]}))
        ports = _free_ports(2 * len(PORTS))
        with process.locked(folder / "lock") as lock:
            server = process.spawn(
                "SeaweedFS",
                [WEED, "-logtostderr", *_options(folder, ports)],
                stop_signal=signal.SIGKILL,
                log=folder / "log",
                lock=lock,
                cwd=folder,
            )
        endpoint = f"http://127.0.0.1:{ports[-1]}"
        try:
            process.wait_ready(server, lambda: _answers(endpoint), log=folder / "log")
            yield endpoint
        finally:
            server.stop()


def make_bucket(endpoint: str, name: str) -> None:
    """Returns once it answers."""
    bucket = S3Store(
        name,
        endpoint=endpoint,
        region="us-east-1",
        access_key_id=KEY,
        secret_access_key=SECRET,
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )

    def is_there() -> bool:
        try:
            obstore.put(bucket, "made", b"x")
            return bool(obstore.head(bucket, "made"))
        except (BaseError, FileNotFoundError):
            return False

    eventually(is_there, within=60)


def _options(folder: Path, ports: list[int]) -> Iterator[str]:
    yield from ("server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3")
    for part, grpc, port in zip(PORTS, ports, ports[len(PORTS) :], strict=False):
        yield from (f"-{part}.port={port}", f"-{part}.port.grpc={grpc}")
    yield from ("-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false")
    yield from ("-master.volumeSizeLimitMB=64", "-volume.max=50")
    yield f"-s3.config={folder / 'identities.json'}"
    yield from (f"-{part}.localSocket={folder / part}.sock" for part in ("filer", "s3"))


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _answers(endpoint: str) -> bool:
    """A 403 to a stranger: its identities are loaded."""
    try:
        urllib.request.urlopen(endpoint, timeout=5)
    except urllib.error.HTTPError as error:
        return error.code == 403
    except OSError:
        return False
    return True
