"""Checkpoints and keys are C2SP's: what others signed is read, and bad ones are refused."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.errors import BadCheckpoint, BadKey
from audit.sealing import heads, keys
from audit.sealing.heads import Head
from audit.sealing.keys import PublicKey

# The example of golang.org/x/mod/sumdb/note, where the format comes from.
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SAYING = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
SIGNATURE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpR"
    "Zb6KE6RyyBwJnAM=\n"
)
HEAD = Head(name="example.com/audit", organization_id=7, size=3, root=b"\x07" * 32)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "audit_key.pem"
    keys.make(path)
    return path


@pytest.fixture
def known(file: Path) -> keys.Keys:
    return keys.read(file, HEAD.name)


def test_a_note_of_others_is_verified() -> None:
    key = PublicKey.parse(NEUMANN)

    assert key.text == NEUMANN
    assert heads.is_signed(SAYING, SIGNATURE, [key])
    assert not heads.is_signed(SAYING.replace("answer", "question"), SIGNATURE, [key])


def test_a_head_that_was_signed_is_opened(known: keys.Keys) -> None:
    note = heads.signed(HEAD, known)

    assert heads.opened(note, known.trusted) == HEAD
    assert heads.opened(note, [PublicKey.parse(key.text) for key in known.trusted]) == HEAD
    assert note.startswith(
        "example.com/audit/7\n3\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n\n— "
    )


@pytest.mark.parametrize(
    ("one", "other"), [("/7\n", "/8\n"), ("\n3\n", "\n4\n"), ("\nBwcH", "\nBwcI"), ("— ", "- ")]
)
def test_a_head_that_was_altered_is_refused(known: keys.Keys, one: str, other: str) -> None:
    note = heads.signed(HEAD, known)
    assert one in note

    with pytest.raises(BadCheckpoint):
        heads.opened(note.replace(one, other, 1), known.trusted)


@pytest.mark.parametrize("note", ["", "x", "a\n\n", "o/1\nx\ny\n\n— a b\n", "o/1\n1\n"])
def test_what_is_no_checkpoint_is_refused(known: keys.Keys, note: str) -> None:
    with pytest.raises(BadCheckpoint):
        heads.opened(note, known.trusted)


def test_the_key_of_another_log_opens_nothing(known: keys.Keys, file: Path) -> None:
    elsewhere = keys.read(file, "example.org/audit")

    with pytest.raises(BadCheckpoint, match="no trusted key"):
        heads.opened(heads.signed(HEAD, known), elsewhere.trusted)


def test_a_new_key_and_the_old_one_both_sign_until_the_old_one_is_only_trusted(
    file: Path, tmp_path: Path
) -> None:
    before = keys.read(file, HEAD.name)
    new = tmp_path / "new.pem"
    keys.make(new)
    file.write_bytes(new.read_bytes() + file.read_bytes())
    both = keys.read(file, HEAD.name)
    public = before.trusted[0].key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    file.write_bytes(new.read_bytes() + public)
    after = keys.read(file, HEAD.name)

    assert heads.opened(heads.signed(HEAD, both), before.trusted) == HEAD
    assert heads.opened(heads.signed(HEAD, before), after.trusted) == HEAD
    with pytest.raises(BadCheckpoint):
        heads.opened(heads.signed(HEAD, after), before.trusted)


def test_a_key_file_is_for_its_owner_alone_and_made_once(file: Path) -> None:
    made = file.read_bytes()
    keys.make(file)

    assert file.read_bytes() == made
    assert file.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in file.parent.iterdir()] == [file.name]


def test_a_key_file_that_cannot_be_used_says_what_is_wrong(tmp_path: Path, file: Path) -> None:
    with pytest.raises(BadKey, match="cannot be read"):
        keys.read(tmp_path / "none.pem", "a")
    file.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    with pytest.raises(BadKey, match="cannot be read"):
        keys.read(file, "a")
    file.write_text("nothing\n")
    with pytest.raises(BadKey, match="must hold a private Ed25519 key"):
        keys.read(file, "a")


@pytest.mark.parametrize(
    "text", ["", "a+b", "a+00000000+AAAA", NEUMANN.replace("c7", "c8"), "a+" + "0" * 8 + "+!"]
)
def test_a_public_key_that_cannot_be_used_is_refused(text: str) -> None:
    with pytest.raises(BadKey):
        PublicKey.parse(text)


def test_an_id_is_of_the_name_as_well() -> None:
    key = Ed25519PrivateKey.generate().public_key()

    assert PublicKey(name="a", key=key).id != PublicKey(name="b", key=key).id
