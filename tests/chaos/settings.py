"""The settings of the processes that the drills start: the product's, and job types of theirs."""

from jobsite.settings import *  # noqa: F403
from jobsite.settings import DRAMATIQ_BROKER, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.chaos"]
DRAMATIQ_BROKER = DRAMATIQ_BROKER | {"BROKER": "tests.chaos.dying.DyingBroker"}
