"""Rounds, rows, bars, and how they are printed."""

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psutil


class Unmeasured(Exception):
    """A system could not be measured; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """rounds: how often each system has its turn. quick: a smaller run, under a minute."""

    rounds: int = 3
    quick: bool = False

    def pick[T](self, full: T, quick: T) -> T:
        """What this run takes of two sizes."""
        return quick if self.quick else full


@dataclass(kw_only=True)
class Row:
    """One line of the table: what was measured, each round's value, and how it was set up."""

    name: str
    unit: str
    settings: str = ""
    values: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.values)


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One system, or one size of it, and how to measure it once."""

    name: str
    measure: Callable[[], float]
    unit: str = "jobs/s"
    settings: str = ""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A claim, and whether this run bears it out."""

    name: str
    value: float
    unit: str
    bar: str
    holds: bool


class Report:
    """What one benchmark found."""

    def __init__(self, benchmark: str, options: Options) -> None:
        self.benchmark = benchmark
        self.rounds = options.rounds
        self.rows: dict[str, Row] = {}
        self.bars: list[Bar] = []
        self.notes: list[str] = []
        self.failures: list[str] = []

    def alternate(self, contenders: Sequence[Contender], *, rounds: int | None = None) -> None:
        """Measure all of them, one after the other, round by round."""
        for number in range(rounds or self.rounds):
            for one in contenders:
                self.measure(one, turn=f"{number + 1}/{rounds or self.rounds}")

    def measure(self, one: Contender, *, turn: str = "") -> None:
        """Measure one of them once; one that cannot be measured is reported, the others go on."""
        began = time.monotonic()
        try:
            value = one.measure()
        except Unmeasured as why:
            self.failures.append(f"{one.name}: {why}")
            say(f"{self.benchmark} {turn} {one.name}: not measured: {why}")
            return
        self.add(one.name, value, one.unit, one.settings)
        took = time.monotonic() - began
        say(f"{self.benchmark} {turn} {one.name}: {figure(value)} {one.unit} ({took:.0f} s)")

    def add(self, name: str, value: float, unit: str, settings: str = "") -> None:
        """One more value of a row."""
        row = self.rows.setdefault(name, Row(name=name, unit=unit, settings=settings))
        row.values.append(value)

    def median(self, name: str) -> float | None:
        """Of all rounds; None when it was not measured."""
        return self.rows[name].median if name in self.rows else None

    def ratio(self, ours: str, other: str) -> float | None:
        """The median of the rounds' ratios; None when either was not measured."""
        if ours not in self.rows or other not in self.rows:
            return None
        pairs = zip(self.rows[ours].values, self.rows[other].values, strict=False)
        return statistics.median(mine / theirs for mine, theirs in pairs)

    def at_least(self, name: str, value: float | None, bar: float, unit: str = "×") -> None:
        """A bar that is held from below; nothing when there is no value."""
        if value is not None:
            text = f"≥ {bar:g} {unit}"
            self.bars.append(Bar(name=name, value=value, unit=unit, bar=text, holds=value >= bar))

    def at_most(self, name: str, value: float | None, bar: float, unit: str) -> None:
        """A bar that is held from above; nothing when there is no value."""
        if value is not None:
            text = f"≤ {bar:g} {unit}"
            self.bars.append(Bar(name=name, value=value, unit=unit, bar=text, holds=value <= bar))

    def growth(self, what: str, names: Sequence[str]) -> None:
        """Note how a figure changed over sizes a decade apart, as shares of the first."""
        found = [self.rows[name] for name in names if name in self.rows]
        if len(found) > 1:
            shares = [f"{row.name}: {row.median / found[0].median:.2f}" for row in found]
            self.notes.append(f"growth of {what}, first size = 1: {'; '.join(shares)}")


def say(text: str) -> None:
    """Progress, for the person who waits."""
    print(text, file=sys.stderr, flush=True)


def figure(value: float) -> str:
    """Three significant digits, and no more than the machine's noise allows."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def table(report: Report) -> str:
    """The table of one benchmark, for a terminal."""
    cells = [
        (row.name, figure(row.median), row.unit, spread(row), row.settings)
        for row in report.rows.values()
    ]
    lines = ["", f"{report.benchmark}, {report.rounds} rounds", *_aligned(cells), ""]
    bars = [
        ("holds" if bar.holds else "MISSED", bar.name, f"{figure(bar.value)} {bar.unit}", bar.bar)
        for bar in report.bars
    ]
    lines += [*_aligned(bars), *report.notes]
    lines += [f"not measured: {failure}" for failure in report.failures]
    return "\n".join(lines)


def markdown(reports: Sequence[Report]) -> str:
    """The bars of all benchmarks for the README, and their rows for the docs."""
    names = " ".join(report.benchmark for report in reports)
    rounds = max(report.rounds for report in reports)
    lines = [f"`python -m benchmarks {names}` ({rounds} rounds) on {machine()}:", ""]
    lines += ["| benchmark | claim | measured | bar | |", "|---|---|---|---|---|"]
    for report in reports:
        lines += [
            f"| `{report.benchmark}` | {bar.name} | {figure(bar.value)} {bar.unit} | {bar.bar} | "
            f"{'✓' if bar.holds else '✗'} |"
            for bar in report.bars
        ]
    lines += ["", "| benchmark | what | median | spread | |", "|---|---|---|---|---|"]
    for report in reports:
        lines += [
            f"| `{report.benchmark}` | {row.name} | {figure(row.median)} {row.unit} | "
            f"{spread(row)} | {row.settings} |"
            for row in report.rows.values()
        ]
    return "\n".join(lines)


def spread(row: Row) -> str:
    """The least and the most of all rounds."""
    if len(row.values) == 1:
        return ""
    return f"{figure(min(row.values))}–{figure(max(row.values))}"


def as_json(reports: Sequence[Report], versions: Mapping[str, str]) -> str:
    """All benchmarks of a run as one object; each row and each bar says which one it is of."""
    found: dict[str, Any] = {
        "benchmark": " ".join(report.benchmark for report in reports),
        "machine": machine(),
        "versions": dict(versions),
        "rounds": max(report.rounds for report in reports),
        "rows": [_row(report, row) for report in reports for row in report.rows.values()],
        "bars": [
            {"benchmark": report.benchmark, **vars(bar)}
            for report in reports
            for bar in report.bars
        ],
        "notes": [note for report in reports for note in report.notes],
        "failures": [failure for report in reports for failure in report.failures],
    }
    return json.dumps(found, ensure_ascii=False)


def machine() -> str:
    """The machine in one line: no figure means anything without it."""
    gigabytes = psutil.virtual_memory().total / 2**30
    return f"{psutil.cpu_count()} × {_processor()}, {gigabytes:.0f} GiB, {platform.platform()}"


def busy() -> str:
    """A warning when others use the machine, or nothing."""
    load, cores = os.getloadavg()[0], psutil.cpu_count() or 1
    if load < cores / 2:
        return ""
    return (
        f"The machine was busy with other things when this began (load {load:.1f} on {cores} "
        "cores): figures are low, and ratios rough: what waits for a disk or an answer loses less "
        "to the others than what computes."
    )


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.partition(":")[2] for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0].strip() if names else platform.machine()


def _row(report: Report, row: Row) -> dict[str, Any]:
    return {
        "benchmark": report.benchmark,
        "name": row.name,
        "unit": row.unit,
        "median": row.median,
        "low": min(row.values),
        "high": max(row.values),
        "values": row.values,
        "settings": row.settings,
    }


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
