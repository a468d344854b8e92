"""What the child process cannot import agrees with the models that it is about."""

import subprocess
import sys

import pytest

from jobs.families.transfers.rules import fields, timeline
from tenancy.models import Collaborator, Role, TimelineEntry
from tests.servers import ROOT

OF_MODELS = {
    "timeline": (TimelineEntry, {}),
    "roster": (Collaborator, {"mail": "email"}),
}
ELSEWHERE = {"role", "status"}
"""A member's role and an invitation's state are no columns of the roster's table."""


@pytest.mark.parametrize("kind", list(fields.FIELDS))
def test_lengths_are_those_of_the_model(kind):
    model, renamed = OF_MODELS[kind]
    for one in fields.FIELDS[kind]:
        if one.name not in ELSEWHERE | {"id", "mission"}:
            column = model._meta.get_field(renamed.get(one.name, one.name))
            assert one.max_length == column.max_length, one.name
            assert not (one.required and column.null), one.name


def test_a_mission_is_as_long_as_its_reference():
    mission = TimelineEntry._meta.get_field("mission").related_model

    assert fields.field("timeline", "mission").max_length == (
        mission._meta.get_field("reference").max_length
    )


def test_kinds_fit_the_column_and_the_default_is_one_of_them():
    column = TimelineEntry._meta.get_field("kind")

    assert column.default in fields.KINDS
    assert all(len(kind) <= column.max_length for kind in fields.KINDS)


def test_roles_and_statuses_are_those_of_the_product():
    assert set(fields.ROLES) == set(Role.values)
    assert set(fields.STATUSES) == set(Collaborator.Status.values)


def test_each_field_that_may_be_emptied_has_a_bit_of_its_own():
    for all_fields, bits in ((fields.TIMELINE, timeline.CLEARS), (fields.ROSTER, {})):
        assert set(bits) == {one.name for one in all_fields if one.clearable}
        assert sorted(bits.values()) == [1 << place for place in range(len(bits))]


def test_the_rules_load_neither_django_nor_a_driver():
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys\n"
            "from jobs.families.transfers.rules import mapping, roster, timeline\n"
            "print(*sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    ).stdout.split()

    tops = {name.partition(".")[0] for name in loaded}
    assert not tops & {"django", "psycopg", "redis", "tenancy", "jobsite", "pyarrow"}
