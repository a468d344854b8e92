"""What every Lua file must have, so that none is forgotten."""

import re

import pytest

from jobs.broker.scripts import LUA, assemble

OPERATIONS = sorted(path.stem for path in LUA.glob("*.lua"))
# These free memory or move what is there already, and must work when Redis is full.
DRAINING = {
    "fetch",
    "ack",
    "retry",
    "release",
    "reap",
    "reclaim",
    "control",
    "leave",
    "heartbeat",
    "remove",
    "flush",
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_opens_with_what_it_promises_takes_and_costs(name):
    lines = (LUA / f"{name}.lua").read_text().splitlines()

    assert lines[0].startswith("#!lua")
    assert lines[1].startswith(f"-- {name}: ")
    header = "\n".join(lines[1 : lines.index("--#include group")])
    assert all(f"\n-- {part} " in header for part in ("KEYS", "ARGV", "result", "cost"))


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_asks_for_the_epoch_before_anything_else(name):
    body = (LUA / f"{name}.lua").read_text()

    first_check = body.index("epoch_lost()")
    commands = [
        found.start() for found in re.finditer(r"^(local.*)?redis\.call", body, re.MULTILINE)
    ]

    assert all(first_check < command for command in commands)


@pytest.mark.parametrize("name", OPERATIONS)
def test_no_operation_scans_or_reads_without_a_bound(name):
    source = assemble(name)

    assert not re.search(r'"(KEYS|SCAN|HGETALL|SMEMBERS|HKEYS|HVALS)"', source)
    assert not re.search(r"0, -1\b", source)
    for line in source.splitlines():
        assert "BYSCORE" not in line or "LIMIT" in line


@pytest.mark.parametrize("name", sorted(DRAINING))
def test_what_drains_a_full_redis_is_allowed_to(name):
    assert assemble(name).startswith("#!lua flags=allow-oom\n")


def test_enqueue_is_refused_whole_by_a_full_redis():
    assert assemble("enqueue").startswith("#!lua\n")


@pytest.mark.parametrize("name", OPERATIONS)
def test_keys_are_named_once_and_not_used_by_number(name):
    source = assemble(name)

    assert re.findall(r"KEYS\[(\d+)\]", source) in ([], ["15"])
    assert source.count("unpack(KEYS, 1, 14)") == 1
