"""What `rundramatiq` discovers in the processes that these tests start."""

import jobs.actors  # noqa: F401 - makes an actor of each job type that is declared
from jobs.job_types import registry
from tests.chaos import job_types

for chaotic in job_types.ALL:
    registry.add(chaotic)
