"""controls: what Redis has, against what was set."""

from datetime import timedelta

import pytest

from jobs.broker import Control

HOUR = timedelta(hours=1)
SOON = timedelta(milliseconds=1)


@pytest.fixture
def control(queues, group):
    """Set the control of one organization."""

    def control(organization_id, **values):
        queues.control(group, {organization_id: Control(**values)})

    return control


def test_controls_tells_what_was_set_and_forgets_the_default(control, queues, group):
    wanted = {
        7: Control(is_paused=True),
        8: Control(weight=2.5, limit=3, rate=0.125, burst=4),
        None: Control(rate=10),
    }
    queues.control(group, {**wanted, 9: Control(limit=1)})
    control(9)

    assert queues.controls(group) == wanted


def test_controls_of_many_organizations_are_set_and_told_in_steps(queues, group):
    wanted = {number: Control(limit=number) for number in range(1, 701)}

    queues.control(group, wanted)

    assert queues.controls(group) == wanted
