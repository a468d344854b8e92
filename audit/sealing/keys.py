"""The keys of the log: Ed25519, in the format of C2SP signed notes (c2sp.org/signed-note).

They are in a file, never in the database: whoever can write there cannot sign. A private key in it
signs, each of them; a public one is trusted and signs no more. To change keys: add the new one, let
both sign, later keep of the old one its public part.
"""

import base64
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit.errors import BadKey

ED25519 = b"\x01"
_PEM = re.compile(rb"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----", flags=re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class PublicKey:
    """One that is trusted. name: of the log whose heads it signs, such as `example.com/audit`."""

    name: str
    key: Ed25519PublicKey

    @property
    def id(self) -> bytes:
        """Four bytes by which a signature names its key."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self._raw).digest()[:4]

    @property
    def text(self) -> str:
        """As others take it: `name+id+key`, a verifier key of signed notes."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(ED25519 + self._raw).decode()}"

    @property
    def _raw(self) -> bytes:
        return self.key.public_bytes_raw()

    @classmethod
    def parse(cls, text: str) -> "PublicKey":
        """Read `name+id+key`. Raises `BadKey`."""
        try:
            name, key_id, encoded = text.strip().split("+", 2)
            raw = base64.b64decode(encoded, validate=True)
            found = cls(name=name, key=Ed25519PublicKey.from_public_bytes(raw[1:]))
        except ValueError as error:
            raise BadKey(f"{text.strip()[:80]!r} is no key as name+id+base64: {error}") from error
        if raw[:1] != ED25519 or found.id.hex() != key_id:
            raise BadKey(f"The key {name}+{key_id} is not Ed25519, or its id is of another key")
        return found

    def signed(self, text: str, signature: bytes) -> bool:
        """Whether this key signed the text."""
        try:
            self.key.verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, kw_only=True)
class Keys:
    """What this installation signs with, and what it trusts; the keys that sign are among these."""

    name: str
    signing: Sequence[Ed25519PrivateKey]
    trusted: Sequence[PublicKey]

    def signatures(self, text: str) -> list[str]:
        """The signature lines of a signed note over this text, one of each key that signs."""
        return [_signature(self.name, key, text) for key in self.signing]


def _signature(name: str, key: Ed25519PrivateKey, text: str) -> str:
    key_id = PublicKey(name=name, key=key.public_key()).id
    return f"— {name} {base64.b64encode(key_id + key.sign(text.encode())).decode()}"


def read(path: Path, name: str) -> Keys:
    """The keys in a PEM file, for the log of this name. Raises `BadKey`."""
    try:
        blocks = [block.group(0) for block in _PEM.finditer(path.read_bytes())]
    except OSError as error:
        raise BadKey(f"The key file {path} cannot be read: {error.strerror}") from error
    signing, others = [], []
    for block in blocks:
        try:
            if b"PRIVATE" in block:
                signing.append(serialization.load_pem_private_key(block, password=None))
            else:
                others.append(serialization.load_pem_public_key(block))
        except (ValueError, TypeError) as error:
            raise BadKey(f"{path} holds a key that cannot be read: {error}") from error
    mine = [key for key in signing if isinstance(key, Ed25519PrivateKey)]
    public = [key.public_key() for key in mine]
    public += [key for key in others if isinstance(key, Ed25519PublicKey)]
    if not mine or len(public) != len(signing) + len(others):
        raise BadKey(
            f"{path} must hold a private Ed25519 key, and keys of this kind only: "
            "openssl genpkey -algorithm ed25519"
        )
    trusted = [PublicKey(name=name, key=key) for key in public]
    return Keys(name=name, signing=mine, trusted=trusted)


def make(path: Path) -> None:
    """Make a key file unless there is one; two that make it at once agree on one."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(
            Ed25519PrivateKey.generate().private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    try:
        # A link appears whole or not at all, and only the first one wins.
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
