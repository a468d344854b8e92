"""Messages that nobody can run are handed to a person, and the others go on."""

import json

import dramatiq
import pytest

from tests.waiting import eventually

MINUTE = 60_000


@pytest.fixture
def ran(broker, group):
    """An actor called `work`, and the arguments it ran with."""
    ran = []
    dramatiq.actor(ran.append, actor_name="work", broker=broker, queue_name=group)
    return ran


def body(**changes) -> bytes:
    fields = {
        "queue_name": "anything",
        "actor_name": "work",
        "args": ["bad"],
        "kwargs": {},
        "options": {},
        "message_id": "m",
        "message_timestamp": 0,
    }
    return json.dumps(fields | changes).encode()


UNDECODABLE = {
    "no JSON": b"\x80\x00 nonsense",
    "empty": b"",
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "deeply nested": b"[" * 100_000,
    "fields missing": b"{}",
    "a field too many": body(surprise=1),
    "an actor that is a list": body(actor_name=["work"]),
    "arguments that are a number": body(args=1),
    "keywords that are a list": body(kwargs=[]),
    "options that are a list": body(options=[]),
    "options that are nothing": body(options=None),
    "a time that is a text": body(message_timestamp="yesterday"),
}


@pytest.mark.parametrize("raw", UNDECODABLE.values(), ids=UNDECODABLE.keys())
def test_bytes_that_are_no_message_are_buried_and_the_others_run(
    broker, group, put_body, poisons, ran, start_worker, raw
):
    poisonous = put_body(7, raw)
    put_body(7, body(args=["good"]))
    start_worker(broker)

    broker.join(group, timeout=MINUTE)

    [poison] = poisons
    assert (poison.organization_id, poison.group) == (7, group)
    assert (poison.reason, poison.raw, poison.message_id) == ("undecodable", raw, poisonous)
    assert ran == ["good"]


def test_a_message_for_an_unknown_actor_is_buried_decoded(
    broker, group, put_body, poisons, ran, start_worker
):
    put_body(7, body(actor_name="removed"))
    start_worker(broker)

    broker.join(group, timeout=MINUTE)

    [poison] = poisons
    assert poison.reason == "unknown_job_type"
    assert poison.message.actor_name == "removed"


@pytest.mark.parametrize(
    "changes",
    [
        {"queue_name": "org:8:elsewhere"},
        {"options": {"eta": 99_999_999_999_999}},
        {"options": {"eta": "never"}},
        {"message_id": "another"},
        {"options": {"organization_id": 8}},
    ],
    ids=lambda changes: str(changes),
)
def test_what_a_message_claims_about_its_place_is_ignored(
    broker, group, put_body, poisons, ran, start_worker, changes
):
    put_body(7, body(args=["good"], **changes))
    start_worker(broker)

    broker.join(group, timeout=MINUTE)

    assert ran == ["good"]
    assert poisons == []


def test_an_id_that_is_no_text_is_settled_like_any_other(
    broker, group, queues, client, poisons, ran, start_worker, put_body
):
    put_body(7, b"not a message")
    key, raw_id = f"org:7:{group}", b"\xff\xfe id"
    [(member, score)] = client.zrange(key, 0, 0, withscores=True)
    client.zrem(key, member)
    client.hdel(f"{key}:messages", member)
    client.zadd(key, {raw_id: score})
    client.hset(f"{key}:messages", raw_id, b"0 not a message")
    start_worker(broker)

    broker.join(group, timeout=MINUTE)

    assert len(poisons) == 1


def test_a_hook_that_fails_is_told_again_and_stalls_nobody(
    broker, group, put_body, ran, start_worker
):
    told = []

    def hook(poison):
        told.append(poison)
        raise RuntimeError("the database is away")

    broker.on_poison.append(hook)
    put_body(7, b"nonsense")
    put_body(7, body(args=["good"]))
    start_worker(broker)

    eventually(lambda: ran == ["good"])
    eventually(lambda: broker.backend.totals(group).delayed == 1)
    assert len(told) == 1


def test_without_any_hook_the_message_is_logged_and_dropped(
    broker, group, put_body, ran, start_worker, caplog
):
    message_id = put_body(7, b"nonsense")
    start_worker(broker)

    broker.join(group, timeout=MINUTE)

    assert message_id in caplog.text
