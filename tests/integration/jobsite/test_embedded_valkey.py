"""The embedded Valkey: one per data folder, and gone with its starter."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest
import redis

from jobsite.embedded import valkey
from jobsite.embedded.places import Places
from jobsite.embedded.process import AlreadyRunning, Server

STARTER = """
import signal, sys
from pathlib import Path
from jobsite.embedded import valkey
from jobsite.embedded.places import Places
places = Places(data=Path(sys.argv[1]), sockets=Path(sys.argv[2]))
print(valkey.start(places, persistent=True).process.pid, flush=True)
signal.pause()
"""


@contextmanager
def running(places: Places, *, persistent: bool = True) -> Iterator[Server]:
    server = valkey.start(places, persistent=persistent, patience_seconds=10)
    yield server
    server.stop()


def test_what_was_written_stays_over_a_restart(places: Places) -> None:
    with running(places), redis.Redis.from_url(places.redis_url) as client:
        client.set("kept", "yes")
    with running(places), redis.Redis.from_url(places.redis_url) as client:
        assert client.get("kept") == b"yes"


def test_a_server_of_the_tests_keeps_nothing(places: Places) -> None:
    with running(places, persistent=False), redis.Redis.from_url(places.redis_url) as client:
        client.set("kept", "yes")
    with running(places, persistent=False), redis.Redis.from_url(places.redis_url) as client:
        assert client.dbsize() == 0


def test_it_never_drops_a_queue_to_make_room(places: Places) -> None:
    with running(places), redis.Redis.from_url(places.redis_url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_two_servers_never_write_one_folder(places: Places) -> None:
    with running(places), pytest.raises(AlreadyRunning, match="already running on"):
        valkey.start(places, persistent=True, patience_seconds=0)


@pytest.mark.parametrize("victim", ["starter", "server"])
def test_after_kill_9_nothing_is_left_and_the_next_start_works(places: Places, victim: str) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, places.data, places.sockets],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout is not None
    server = psutil.Process(int(starter.stdout.readline()))

    os.kill(starter.pid if victim == "starter" else server.pid, signal.SIGKILL)

    starter.kill()
    starter.communicate()
    psutil.wait_procs([server], timeout=30)
    assert not server.is_running()
    with running(places), redis.Redis.from_url(places.redis_url) as client:
        assert client.ping()
