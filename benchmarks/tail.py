"""A heavy-tailed load, and what each of its organizations may expect of a fair queue."""

import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What one organization wants: so many jobs, each of so many milliseconds."""

    organization: int
    jobs: int
    milliseconds: float

    @property
    def seconds(self) -> float:
        return self.jobs * self.milliseconds / 1000


def demands(organizations: int, seed: int, seconds: float) -> list[Demand]:
    """Pareto twice: most have few and short jobs, some have thousands, some have long ones.

    No one wants more than `seconds` of worker time, or the queue would only take longer to fill:
    that is several times what anyone gets.
    """
    chance = random.Random(seed)
    drawn = []
    for organization in range(1, organizations + 1):
        milliseconds = min(1.5 * chance.paretovariate(1.3), 40)
        wanted = min(0.03 * chance.paretovariate(1.0), seconds)
        jobs = max(1, round(wanted * 1000 / milliseconds))
        drawn.append(Demand(organization=organization, jobs=jobs, milliseconds=milliseconds))
    return drawn


def fair_shares(wants: Sequence[float], total: float) -> list[float]:
    """Max-min fairness: nobody gets more than is wanted, and what is left goes to all others."""
    shares = [0.0] * len(wants)
    left, waiting = total, sorted(range(len(wants)), key=lambda one: wants[one])
    for place, one in enumerate(waiting):
        shares[one] = min(wants[one], left / (len(waiting) - place))
        left -= shares[one]
    return shares


def jain(values: Sequence[float]) -> float:
    """Jain's index: 1 when all are equal, 1/n when one has everything.

    "A Quantitative Measure of Fairness and Discrimination", DEC-TR-301, 1984.
    """
    squares = sum(value * value for value in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 0.0
