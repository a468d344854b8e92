"""What `rundramatiq` discovers in the workers that are measured."""

import jobs.actors  # noqa: F401 - makes an actor of each job type that is declared
from benchmarks.ours import job_types
from jobs.job_types import registry

for declared in job_types.ALL.values():
    registry.add(declared)
