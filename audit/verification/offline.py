"""Verify a log from a folder of files and a public key, without anything of the product.

    python offline.py FOLDER --key KEYS [--checkpoint FILE …] [--json]

A second implementation on purpose, from the texts of the formats: RFC 6962 (tree), and C2SP
tlog-checkpoint and signed-note (heads). Needs Python 3.12 and `cryptography`. Below the folder is
for each organization

    ORGANIZATION/00000000000000000001-00000000000000000003.jsonl    a line an event, seq 1 to 3
    ORGANIZATION/checkpoint/00000000000000000003                    the signed head at size 3

KEYS has a key a line, `name+id+base64`. Exit status: 0 whole, 1 tampered, 2 could not look.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

OBJECT = re.compile(r"(\d{20})-(\d{20})\.jsonl")
LINE = re.compile(
    rb'\{"event":\{.*\},"id":"[0-9a-f-]{36}","organization_id":(\d+),'
    rb'"personal_sha256":(?:null|"[0-9a-f]{64}"),"recorded_at":"[0-9T:.-]{26}Z","seq":(\d+)\}'
)

Keys = dict[tuple[str, bytes], Ed25519PublicKey]
Head = tuple[str, int, bytes]  # origin, size, root
Finding = dict[str, object]


class CannotLook(Exception):
    """Something that is needed is not there, or not what it should be."""


class Tree:
    """A Merkle tree that grows leaf by leaf: a stack of (size, root) of its full subtrees."""

    def __init__(self) -> None:
        self.size = 0
        self._stack: list[tuple[int, bytes]] = []

    def add(self, line: bytes) -> None:
        """RFC 6962, 2.1: leaves begin with 0x00, nodes with 0x01."""
        width, found = 1, hashlib.sha256(b"\x00" + line).digest()
        while self._stack and self._stack[-1][0] == width:
            _, left = self._stack.pop()
            width, found = width * 2, hashlib.sha256(b"\x01" + left + found).digest()
        self._stack.append((width, found))
        self.size += 1

    def root(self) -> bytes:
        """Of the whole tree."""
        if not self._stack:
            return hashlib.sha256(b"").digest()
        found = self._stack[-1][1]
        for _, left in self._stack[-2::-1]:
            found = hashlib.sha256(b"\x01" + left + found).digest()
        return found


def read_keys(path: Path) -> Keys:
    """The trusted keys, by name and id."""
    keys: Keys = {}
    for text in _read(path).split():
        try:
            name, key_id, encoded = text.split("+", 2)
            raw = base64.b64decode(encoded, validate=True)
            key = Ed25519PublicKey.from_public_bytes(raw[1:])
            known = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
        except ValueError as error:
            raise CannotLook(f"{path}: {text[:60]!r} is no key: {error}") from error
        if raw[0] != 1 or known.hex() != key_id:
            raise CannotLook(f"{path}: the key {name}+{key_id} has another id or kind")
        keys[name, known] = key
    if not keys:
        raise CannotLook(f"{path} holds no key")
    return keys


def read_head(note: str, keys: Keys) -> Head | None:
    """What a checkpoint says; None unless a trusted key of that log signed it."""
    text, _, signatures = note.partition("\n\n")
    try:
        origin, size, root, *_ = text.split("\n")
        head = (origin, int(size), base64.b64decode(root, validate=True))
    except ValueError:
        return None
    for line in signatures.split("\n"):
        words = line.split(" ")
        if len(words) != 3 or words[0] != "—":
            continue
        try:
            raw = base64.b64decode(words[2], validate=True)
            key = keys.get((words[1], raw[:4]))
            if key is None or origin.rpartition("/")[0] != words[1]:
                continue
            key.verify(raw[4:], f"{text}\n".encode())
        except (ValueError, InvalidSignature):
            continue
        return head
    return None


def organizations(folder: Path) -> Iterator[Path]:
    """The folders that hold a log each."""
    yield from sorted(one.parent for one in folder.rglob("checkpoint") if one.is_dir())


def verify(folder: Path, keys: Keys, kept: list[Head]) -> tuple[int, list[Finding]]:
    """One organization: the number of its events, and what is wrong."""
    organization_id = folder.name
    heads, findings = _heads(folder, keys)
    mine = [head for head in kept if head[0].rpartition("/")[2] == organization_id]
    others = {size: root for _, size, root in mine}
    tree, vouched, broken = Tree(), 0, False
    for path, line in lines(folder):
        match = LINE.fullmatch(line)
        if match is None:
            findings.append({"kind": "malformed", "seq": tree.size + 1, "object": str(path)})
        elif match[1] != organization_id.encode():
            findings.append({"kind": "foreign", "seq": tree.size + 1, "object": str(path)})
        elif int(match[2]) != tree.size + 1:
            findings.append({"kind": "gap", "seq": tree.size + 1, "object": str(path)})
            broken = True
            break
        tree.add(line)
        if tree.size in heads:
            if tree.root() != heads[tree.size]:
                first = {"seq": vouched + 1, "last_seq": tree.size}
                findings.append({"kind": "root", **first, "object": str(path)})
                broken = True
                break
            vouched = tree.size
        if tree.size in others and tree.root() != others[tree.size]:
            findings.append({"kind": "fork", "seq": 1, "last_seq": tree.size})
    if not broken:
        findings += _ends(tree.size, vouched, heads, others)
    return tree.size, [{"organization_id": organization_id, **one} for one in findings]


def _heads(folder: Path, keys: Keys) -> tuple[dict[int, bytes], list[Finding]]:
    """The roots that trusted keys signed, by size, and the checkpoints that say nothing."""
    heads: dict[int, bytes] = {}
    findings: list[Finding] = []
    for path in sorted((folder / "checkpoint").iterdir()):
        head = read_head(_read(path), keys)
        is_ours = head is not None and head[0].rpartition("/")[2] == folder.name
        if head is None or not is_ours or path.name != f"{head[1]:020}":
            findings.append({"kind": "signature", "object": str(path)})
        else:
            heads[head[1]] = head[2]
    return heads, findings


def _ends(
    size: int, vouched: int, heads: dict[int, bytes], others: dict[int, bytes]
) -> Iterator[Finding]:
    """What is wrong with the end: lines that nothing signed, heads of lines that are not there."""
    if size > vouched:
        yield {"kind": "unsigned", "seq": vouched + 1, "last_seq": size}
    if longest := max((one for one in heads if one > size), default=0):
        yield {"kind": "missing", "seq": size + 1, "last_seq": longest}
    if longest := max((one for one in others if one > size), default=0):
        yield {"kind": "rollback", "seq": size + 1, "last_seq": longest}


def lines(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every line of the objects, in the order of their names, with its object."""
    for path in sorted(folder.iterdir()):
        if OBJECT.fullmatch(path.name):
            with path.open("rb") as file:
                for line in file:
                    yield path, line.rstrip(b"\n")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CannotLook(f"{path} cannot be read: {error}") from error


def look(folder: Path, key: Path, checkpoints: list[Path]) -> dict[str, object]:
    """Everything below the folder. Raises CannotLook."""
    keys = read_keys(key)
    kept = []
    for path in checkpoints:
        head = read_head(_read(path), keys)
        if head is None:
            raise CannotLook(f"{path} is no checkpoint that a trusted key signed")
        kept.append(head)
    found = list(organizations(folder))
    if not found:
        raise CannotLook(f"{folder} holds no log: no folder `checkpoint` is below it")
    findings: list[Finding] = []
    events = 0
    for one in found:
        size, wrong = verify(one, keys, kept)
        events += size
        findings += wrong
    known = {one.name for one in found}
    for origin, size, _ in kept:
        if origin.rpartition("/")[2] not in known:
            findings.append({"kind": "rollback", "origin": origin, "seq": 1, "last_seq": size})
    return {"organizations": len(found), "events": events, "findings": findings}


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Verify a log offline.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--key", type=Path, required=True, help="file of trusted keys, one a line")
    parser.add_argument("--checkpoint", type=Path, action="append", default=[], metavar="FILE")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        told = look(options.folder, options.key, options.checkpoint)
    except (CannotLook, OSError) as error:
        sys.stderr.write(f"Could not look: {error}\n")
        return 2
    findings = told["findings"]
    assert isinstance(findings, list)
    if options.json:
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        for one in findings:
            sys.stdout.write(" ".join(f"{name}={value}" for name, value in one.items()) + "\n")
        whole = "TAMPERED" if findings else "whole"
        sys.stdout.write(f"{whole}: {told['events']} events of {told['organizations']} logs\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
