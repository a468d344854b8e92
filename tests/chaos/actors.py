"""What `rundramatiq` discovers in the processes that these tests start."""

from jobs.actors import declare
from jobs.job_types import registry
from tests.chaos import job_types

for chaotic in job_types.ALL:
    registry.add(chaotic)
    declare(chaotic)
