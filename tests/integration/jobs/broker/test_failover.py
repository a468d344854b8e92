"""The server that is asked is a replica, and becomes the primary."""

import socket
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import redis

from jobs.broker import Entry
from jobs.broker.errors import BrokerUnavailable
from jobs.broker.queues import Queues
from jobsite.embedded.places import Places
from tests.conftest import LiveValkey
from tests.waiting import eventually

ENTRY = Entry(organization_id=7, group="g", message_id="m", body=b"b")


@pytest.fixture
def replica(live_valkey):
    """A replica of `live_valkey`, with an open epoch and one waiting message."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    queues = Queues(live_valkey.url)
    queues.open_epoch()
    queues.enqueue([ENTRY])
    queues.close()
    with redis.Redis.from_url(live_valkey.url) as client:
        client.config_set("port", port)
    with TemporaryDirectory(prefix="valkey-", dir="/tmp") as folder:
        places = Places(data=Path(folder), sockets=Path(folder))
        replica = LiveValkey(places, persistent=False)
        with redis.Redis.from_url(replica.url) as client:
            client.replicaof("127.0.0.1", port)
            eventually(lambda: client.info("replication").get("master_link_status") == "up")
        yield replica
        replica.stop()


def test_a_replica_is_no_redis_to_work_with_until_it_is_promoted(replica, live_valkey):
    queues = Queues(replica.url)
    for write in (lambda: queues.enqueue([ENTRY]), lambda: queues.fetch("g", "c", 1)):
        with pytest.raises(BrokerUnavailable):
            write()

    live_valkey.kill()
    with redis.Redis.from_url(replica.url) as client:
        client.replicaof("NO", "ONE")

    assert [leased.message_id for leased in queues.fetch("g", "c", 1).messages] == ["m"]
    queues.close()
