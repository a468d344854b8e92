import dataclasses

import pytest

from jobs import broker


def test_the_public_names_are_these():
    assert sorted(broker.__all__) == [
        "Ack",
        "Control",
        "Disposition",
        "Entry",
        "GroupMessage",
        "Leased",
        "MessageKey",
        "Poison",
        "Release",
        "RetryAfter",
        "Settlement",
    ]


@pytest.mark.parametrize("value", [broker.Ack, broker.Release, broker.RetryAfter, broker.Entry])
def test_what_travels_cannot_be_changed_on_the_way(value):
    assert dataclasses.is_dataclass(value)
    assert value.__dataclass_params__.frozen
