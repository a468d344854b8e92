"""The process that reads a file: what it hears and says, at what it ends, and that it does."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.families.transfers.child.parent import ROOT, Child, ChildFailed, ProcessLimits
from jobs.families.transfers.child.protocol import Frame
from tests.factories.upload_files import HEADER, NAMES, good, timeline
from tests.waiting import eventually

CHOICES = {
    "kind": "timeline",
    "columns": {str(index): name for index, name in enumerate(NAMES)},
    "date_formats": {"4": "YYYY-MM-DD"},
}
SPEC = {"choices": CHOICES}


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    return tmp_path / "upload"


@pytest.fixture
def endless(upload: Path) -> Path:
    """A file that takes some ten seconds to go through."""
    upload.write_bytes(b"a\n" + b"1\n" * 5_000_000)
    return upload


def frames(path: Path, verb: str, spec: dict[str, object]) -> list[Frame]:
    with Child(path, verb, SPEC | spec) as child:  # type: ignore[arg-type]
        return list(child)


def staged(found: list[Frame]) -> list[str]:
    """The keys of the lines of COPY."""
    lines = b"".join(frame.body for frame in found).decode().splitlines()
    return [line.split("\t")[2] for line in lines]


def test_a_survey_says_what_is_in_the_file(upload: Path) -> None:
    upload.write_bytes(timeline(good(1), good(2)))

    (survey,) = frames(upload, "survey", {"name": "x.csv"})

    assert survey.kind == "survey"
    assert (survey.head["rows"], survey.head["encoding"]) == (2, "utf-8")


def test_a_file_that_cannot_be_read_is_refused_with_its_issue(upload: Path) -> None:
    upload.write_bytes(b"%PDF-1.7")

    (refused,) = frames(upload, "survey", {})

    assert refused.kind == "refused"
    assert refused.head["issue"]["code"] == "format_mismatch"


def test_rows_come_in_chunks_ready_for_copy(upload: Path) -> None:
    upload.write_bytes(timeline(good(1), "E,M", good(2), good(3, kind="taks"), good(4)))

    first, second, end = frames(upload, "rows", {"chunk_rows": 3})

    assert (first.kind, first.head["rows"]) == ("chunk", 3)
    assert (first.head["first_row"], first.head["last_row"]) == (2, 4)
    assert first.head["failed"] == [3]
    assert [issue["code"] for issue in first.head["issues"]] == ["cell_count"]
    assert second.head["failed"] == [5]
    assert staged([first, second]) == ["E-1", "E-2", "E-4"]
    assert (end.kind, end.head["rows"], end.head["blank"]) == ("end", 5, 0)


def test_rows_begin_behind_a_checkpoint(upload: Path) -> None:
    upload.write_bytes(timeline(*[good(number) for number in range(2, 12)]))

    chunk, end = frames(upload, "rows", {"start_row": 8})

    assert (chunk.head["first_row"], chunk.head["last_row"]) == (9, 11)
    assert staged([chunk]) == ["E-9", "E-10", "E-11"]
    assert end.head["rows"] == 10


def test_rows_are_left_out_by_a_bitmap(upload: Path, tmp_path: Path) -> None:
    upload.write_bytes(timeline(*[good(number) for number in range(2, 12)]))
    bitmap = tmp_path / "skip"
    bitmap.write_bytes(bytes([0b1000, 0b0001]))  # rows 3 and 8

    chunk, _ = frames(upload, "rows", {"skip": str(bitmap)})

    assert staged([chunk]) == [f"E-{number}" for number in (2, 4, 5, 6, 7, 9, 10, 11)]


def test_a_chunk_with_many_issues_ends_early(upload: Path) -> None:
    upload.write_bytes(timeline(*["E,M"] * 5_000))

    found = frames(upload, "rows", {})

    assert [frame.head["rows"] for frame in found] == [2_000, 2_000, 1_000, 5_000]


def test_a_fault_of_the_whole_file_comes_after_the_rows_before_it(upload: Path) -> None:
    upload.write_bytes(timeline(good(1), '"open', *[good(n) for n in range(3, 20)]))

    chunk, refused = frames(upload, "rows", {})

    assert staged([chunk]) == ["E-1"]
    assert refused.head["issue"]["code"] == "quote_unclosed"


def test_it_has_no_django_no_database_and_no_client_of_a_queue() -> None:
    program = (
        "import sys, jobs.families.transfers.child.main\n"
        "import jobs.families.transfers.files.reader, jobs.families.transfers.rules.timeline\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    environment = {"PYTHONPATH": str(ROOT)}

    done = subprocess.run(
        [sys.executable, "-P", "-c", program], env=environment, capture_output=True, check=True
    )

    loaded = set(done.stdout.decode().split())
    assert "jobs" in loaded
    assert not loaded & {"django", "psycopg", "redis", "dramatiq", "tenancy", "structlog", "socket"}


def test_its_environment_has_no_address_and_no_secret(
    endless: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_SECRET", "x")

    with Child(endless, "survey", SPEC) as child:
        next(iter(child))
        environment = Path(f"/proc/{child.pid}/environ").read_bytes()

    assert b"PYTHONPATH=" in environment
    assert not any(word in environment for word in (b"SECRET", b"URL", b"DJANGO", b"HOME"))


def test_it_ends_at_its_processor_time(endless: Path) -> None:
    assert failure(endless, ProcessLimits(cpu_seconds=1)) == "cpu_limit"


def test_it_ends_when_it_was_waited_for_too_long(endless: Path) -> None:
    assert failure(endless, ProcessLimits(wall_seconds=0.5)) == "time_limit"


def test_it_ends_at_its_memory(upload: Path) -> None:
    cells = ",".join(["x" * 60_000] * 16)
    upload.write_bytes(",".join(f"c{n}" for n in range(16)).encode() + f"\n{cells}\n".encode() * 9)

    assert failure(upload, ProcessLimits(memory_bytes=12 * 1024 * 1024)) == "memory_limit"


def test_it_that_aborts_has_crashed(endless: Path) -> None:
    with Child(endless, "survey", SPEC) as child:
        found = iter(child)
        next(found)
        os.kill(child.pid, signal.SIGABRT)
        with pytest.raises(ChildFailed) as failed:
            list(found)

    assert failed.value.code == "crashed"
    assert failed.value.where == "SIGABRT"


def test_what_goes_wrong_in_it_is_told_without_the_words_of_the_file(upload: Path) -> None:
    upload.write_bytes(timeline(good(1)))
    spec = {"choices": CHOICES | {"columns": {"secret": "title"}}}

    with Child(upload, "rows", spec) as child, pytest.raises(ChildFailed) as failed:
        list(child)

    assert failed.value.code == "crashed"
    assert "secret" not in str(failed.value)


def test_a_check_that_raises_ends_the_wait_and_the_child(endless: Path) -> None:
    class Cancelled(Exception):
        pass

    def cancel() -> None:
        raise Cancelled

    with pytest.raises(Cancelled), Child(endless, "survey", SPEC, check=cancel) as child:
        list(child)

    assert not Path(f"/proc/{child.pid}").exists()


def test_leaving_the_block_ends_it(endless: Path) -> None:
    with Child(endless, "survey", SPEC) as child:
        next(iter(child))

    assert not Path(f"/proc/{child.pid}").exists()


def test_it_dies_with_its_parent(endless: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from jobs.families.transfers.child.parent import Child\n"
        f"with Child(Path({str(endless)!r}), 'survey', {SPEC!r}) as child:\n"
        "    for _ in child:\n        print(child.pid, flush=True)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())

    parent.kill()
    parent.wait()
    parent.stdout.close()

    eventually(lambda: not alive(pid))


def test_its_memory_does_not_grow_with_the_file(upload: Path) -> None:
    peaks = []
    for rows in (20_000, 200_000):
        with upload.open("wb") as file:
            file.write(HEADER.encode() + b"\n")
            file.writelines(good(number).encode() + b"\n" for number in range(rows))
        peaks.append(frames(upload, "rows", {"chunk_rows": 10_000})[-1].head["peak_bytes"])

    assert peaks[1] < peaks[0] * 1.25


def failure(path: Path, limits: ProcessLimits) -> str:
    with pytest.raises(ChildFailed) as failed, Child(path, "survey", SPEC, process=limits) as child:
        list(child)
    return failed.value.code


def alive(pid: int) -> bool:
    """A zombie that nobody reaped yet has ended too."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
