"""A copy of the log is verified by a program that knows nothing of the product."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.sealing import copies, keys
from audit.verification import offline
from tests.factories.audit import Log

Found = list[tuple[Any, ...]]


@pytest.fixture
def folder(log: Log, tmp_path: Path) -> Path:
    """Seven events in three batches, as files; their keys and their last head beside them."""
    log.sealed("ab", "cde", "fg")
    folder = tmp_path / "copy"
    assert copies.write(log.connection.cursor(), log.organization_id, folder) == 7
    (tmp_path / "keys").write_text("".join(f"{key.text}\n" for key in log.keys.trusted))
    (tmp_path / "kept").write_bytes((home(folder) / "checkpoint" / f"{7:020}").read_bytes())
    return folder


def home(folder: Path) -> Path:
    [found] = (folder / "audit" / "v1").iterdir()
    return found


def middle(folder: Path) -> Path:
    """The object with seq 3 to 5."""
    return home(folder) / f"{3:020}-{5:020}.jsonl"


def found(folder: Path, *kept: str) -> Found:
    files = [folder.parent / name for name in kept]
    told: Any = offline.look(folder, folder.parent / "keys", files)
    return [(one["kind"], one.get("seq"), one.get("last_seq")) for one in told["findings"]]


def test_a_copy_that_nobody_touched_is_whole(folder: Path) -> None:
    assert found(folder, "kept") == []


def test_it_runs_without_the_product(folder: Path, tmp_path: Path) -> None:
    source = Path(offline.__file__)
    assert len(source.read_text().splitlines()) <= 300
    script = tmp_path / "verify.py"
    script.write_bytes(source.read_bytes())
    command = [sys.executable, "-I", script, folder, "--key", tmp_path / "keys", "--json"]

    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, json.loads(done.stdout)) == (
        0,
        {"organizations": 1, "events": 7, "findings": []},
    )
    middle(folder).write_bytes(middle(folder).read_bytes().replace(b"done", b"seen"))
    assert subprocess.run(command, capture_output=True, cwd=tmp_path).returncode == 1
    (tmp_path / "keys").write_text("")
    assert subprocess.run(command, capture_output=True, cwd=tmp_path).returncode == 2


def lines(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Path], None]:
    def alter(folder: Path) -> None:
        path = middle(folder)
        path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))

    return alter


def head(size: int, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def alter(folder: Path) -> None:
        path = home(folder) / "checkpoint" / f"{size:020}"
        path.write_bytes(change(path.read_bytes()))

    return alter


CASES: dict[str, tuple[Callable[[Path], None], Found]] = {
    "a line changed": (
        lines(lambda all_: [one.replace(b'"d"', b'"x"') for one in all_]),
        [("root", 3, 5)],
    ),
    "a line that is none": (lines(lambda all_: [b"x\n", *all_[1:]]), [("malformed", 3, None)] * 1),
    "a line taken out": (lines(lambda all_: [all_[0], all_[2]]), [("gap", 4, None)]),
    "a line put in": (lines(lambda all_: [all_[0], *all_]), [("gap", 4, None)]),
    "two swapped": (lines(lambda all_: [all_[1], all_[0], all_[2]]), [("gap", 3, None)]),
    "a line of another organization": (
        lines(lambda all_: [one.replace(b'_id":9', b'_id":8') for one in all_[:1]] + all_[1:]),
        [("foreign", 3, None), ("root", 3, 5)],
    ),
    "an object deleted": (lambda folder: middle(folder).unlink(), [("gap", 3, None)]),
    "the last object deleted": (
        lambda folder: (home(folder) / f"{6:020}-{7:020}.jsonl").unlink(),
        [("missing", 6, 7)],
    ),
    "the last head deleted": (
        lambda folder: (home(folder) / "checkpoint" / f"{7:020}").unlink(),
        [("unsigned", 6, 7)],
    ),
    "the size of a head changed": (
        head(7, lambda note: note.replace(b"\n7\n", b"\n8\n")),
        [("signature", None, None), ("unsigned", 6, 7)],
    ),
    "a head under another name": (
        lambda folder: (home(folder) / "checkpoint" / f"{7:020}").rename(
            home(folder) / "checkpoint" / f"{8:020}"
        ),
        [("signature", None, None), ("unsigned", 6, 7)],
    ),
}


@pytest.mark.parametrize(("alter", "told"), CASES.values(), ids=CASES.keys())
def test_what_was_done_to_a_copy_is_named(
    folder: Path, alter: Callable[[Path], None], told: Found
) -> None:
    alter(folder)

    assert found(folder)[: len(told)] == told


def test_a_history_that_was_cut_is_told_by_a_checkpoint_only(folder: Path) -> None:
    (home(folder) / f"{6:020}-{7:020}.jsonl").unlink()
    (home(folder) / "checkpoint" / f"{7:020}").unlink()

    assert found(folder) == []
    assert found(folder, "kept") == [("rollback", 6, 7)]


def test_a_history_written_anew_with_the_key_is_told_by_a_checkpoint_only(
    folder: Path, log: Log, tmp_path: Path
) -> None:
    other = Log(connection=log.connection, keys=log.keys, organization_id=log.organization_id)
    for table in ("audit_auditbatch", "audit_auditevent"):
        log.sql(f"ALTER TABLE {table} DISABLE TRIGGER audit_no_change")
        log.sql(f"DELETE FROM {table} WHERE organization_id = %s", log.organization_id)
    other.sealed("abcdefg")
    anew = tmp_path / "anew"
    copies.write(log.connection.cursor(), log.organization_id, anew)

    assert found(anew) == []
    assert found(anew, "kept") == [("fork", 1, 7)]


def test_a_log_that_is_not_there_any_more_is_told_by_a_checkpoint(
    folder: Path, log: Log, tmp_path: Path
) -> None:
    home(folder).rename(home(folder).with_name("1"))
    for one in (home(folder) / "checkpoint").iterdir():
        one.unlink()

    assert ("rollback", 1, 7) in found(folder, "kept")


def test_what_cannot_be_looked_at_is_said(folder: Path, tmp_path: Path) -> None:
    keys.make(tmp_path / "other.pem")
    other = keys.read(tmp_path / "other.pem", "example.com/audit")
    for broken in ("", "x", "a+b+c", other.trusted[0].text.replace("audit+", "audits+")):
        (tmp_path / "bad").write_text(broken)
        with pytest.raises(offline.CannotLook):
            offline.look(folder, tmp_path / "bad", [])
    (tmp_path / "others").write_text(other.trusted[0].text)
    with pytest.raises(offline.CannotLook, match="trusted key"):
        offline.look(folder, tmp_path / "others", [tmp_path / "kept"])
    with pytest.raises(offline.CannotLook, match="no log"):
        offline.look(tmp_path / "nothing", tmp_path / "keys", [])
