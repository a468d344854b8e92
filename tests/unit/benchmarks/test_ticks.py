from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks import ticks


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(ticks.FOLDER, str(tmp_path))
    monkeypatch.setattr(ticks, "_pages", {})
    monkeypatch.setattr(ticks, "_journals", {})
    return tmp_path


def test_the_ticks_of_all_threads_are_counted(folder: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        for _ in range(400):
            threads.submit(ticks.tick)

    count = ticks.read(folder)
    assert count.ticks == 400
    assert count.first < count.last


def test_nothing_counted_is_nothing_and_no_error(folder: Path) -> None:
    assert ticks.read(folder) == (0, 0.0, 0.0)


def test_the_rate_excludes_what_came_before_the_first_tick() -> None:
    assert ticks.Count(ticks=11, first=100.0, last=105.0).rate == 2.0


def test_a_journal_gives_back_what_jobs_told(folder: Path) -> None:
    ticks.tell(7, 1, 2, 3)
    ticks.tell(8, 4, 5, 6)

    assert list(ticks.journal(folder)) == [(7, 1, 2, 3), (8, 4, 5, 6)]
