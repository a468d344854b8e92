"""Merkle trees over lists of hashes, and proofs about them, as RFC 6962 and RFC 9162 define them.

A tree that only grows is carried by its peaks: the roots of the full subtrees that it consists of,
the largest first; one for each bit that is set in its size.
"""

import hashlib
from collections.abc import Iterable, Sequence

HASH_BYTES = 32


def leaf(line: bytes) -> bytes:
    """The hash of an entry (RFC 6962, 2.1)."""
    return hashlib.sha256(b"\x00" + line).digest()


def node(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees (RFC 6962, 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(joined: bytes) -> list[bytes]:
    """Hashes that are kept one behind the other."""
    return [bytes(joined[at : at + HASH_BYTES]) for at in range(0, len(joined), HASH_BYTES)]


def grown(peaks: Sequence[bytes], size: int, leaves: Iterable[bytes]) -> list[bytes]:
    """The peaks of a tree of `size` leaves with these peaks, once `leaves` are added."""
    peaks = list(peaks)
    for one in leaves:
        subtree, below = one, size
        while below & 1:
            subtree = node(peaks.pop(), subtree)
            below >>= 1
        peaks.append(subtree)
        size += 1
    return peaks


def root(peaks: Sequence[bytes]) -> bytes:
    """The root of the tree with these peaks."""
    if not peaks:
        return hashlib.sha256().digest()
    *others, found = peaks
    for peak in reversed(others):
        found = node(peak, found)
    return found


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root of the tree over these leaves."""
    return root(grown([], 0, leaves))


def inclusion(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Proof that the tree over `leaves` holds the one at `index`, from 0 (RFC 6962, 2.1.1)."""
    if len(leaves) <= 1:
        return []
    middle = _middle(len(leaves))
    left, right = leaves[:middle], leaves[middle:]
    if index < middle:
        return [*inclusion(left, index), root_of(right)]
    return [*inclusion(right, index - middle), root_of(left)]


def consistency(leaves: Sequence[bytes], size: int) -> list[bytes]:
    """Proof that the tree over the first `size` leaves grew into this (RFC 6962, 2.1.2)."""
    return _subproof(leaves, size, whole=True) if 0 < size < len(leaves) else []


def _subproof(leaves: Sequence[bytes], size: int, *, whole: bool) -> list[bytes]:
    if size == len(leaves):
        return [] if whole else [root_of(leaves)]
    middle = _middle(len(leaves))
    left, right = leaves[:middle], leaves[middle:]
    if size <= middle:
        return [*_subproof(left, size, whole=whole), root_of(right)]
    return [*_subproof(right, size - middle, whole=False), root_of(left)]


def _middle(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1
