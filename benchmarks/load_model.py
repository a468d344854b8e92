"""The work of many organizations, drawn by chance: few of them are huge, most are tiny."""

import random
from bisect import bisect
from dataclasses import dataclass
from itertools import accumulate

SECOND = 1_000_000  # µs, the unit of `benchmarks.fair_queue`

# Kinds of jobs: share of all, and mean run time.
KINDS = {
    "index": (0.60, 0.010 * SECOND),
    "mail": (0.25, 0.050 * SECOND),
    "webhook": (0.14, 0.200 * SECOND),
    "import": (0.01, 2.000 * SECOND),
}
SPREAD = 0.5  # of the run times within a kind (sigma of a log-normal distribution)
FAILING = 0.02  # share of the attempts that fail and are made again
BURSTS = 0.001  # share of the organizations, the largest, who ask for all their jobs at once


@dataclass(frozen=True, slots=True)
class Asked:
    """One job: when it is asked for, by whom, and of what kind."""

    at: int
    owner: int
    kind: str


@dataclass(frozen=True, kw_only=True)
class LoadModel:
    """So many jobs of so many organizations.

    The n-th largest has a share of 1/n (Zipf), and everybody at least one job. All together they
    keep `slots` worker threads busy for `utilization` of the time.
    """

    organizations: int
    jobs: int
    slots: int
    utilization: float
    seed: int

    def draw(self) -> list[Asked]:
        """All jobs, in the order of time."""
        chance = random.Random(self.seed)
        horizon = self.horizon
        bursting = max(1, round(self.organizations * BURSTS))
        burst_at = [chance.randrange(horizon // 2) for _ in range(bursting)]
        kinds, shares = list(KINDS), [share for share, _ in KINDS.values()]
        totals = list(accumulate(1 / rank for rank in range(1, self.organizations + 1)))
        owners = [*range(self.organizations)]
        owners += [
            bisect(totals, chance.random() * totals[-1]) for _ in range(self.jobs - len(owners))
        ]
        asked = [
            Asked(
                at=burst_at[owner] if owner < bursting else chance.randrange(horizon),
                owner=owner,
                kind=chance.choices(kinds, shares)[0],
            )
            for owner in owners
        ]
        return sorted(asked, key=lambda one: one.at)

    @property
    def horizon(self) -> int:
        """How long they go on asking (µs)."""
        mean = sum(share * run for share, run in KINDS.values()) / (1 - FAILING)
        return round(self.jobs * mean / self.slots / self.utilization)


def run_time(chance: random.Random, kind: str) -> int:
    """How long one attempt takes (µs)."""
    mean = KINDS[kind][1]
    return max(1, round(mean * chance.lognormvariate(-SPREAD * SPREAD / 2, SPREAD)))
