"""Merkle trees over lists of hashes, and proofs about them, as RFC 6962 and RFC 9162 define them.

A tree that only grows is carried by its peaks: the roots of the full subtrees that it consists of,
the largest first; one for each bit that is set in its size.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

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


@dataclass(frozen=True, kw_only=True)
class Grown:
    """A tree of which the peaks at `size` are known, and all leaves that came after.

    That is enough for proofs about these leaves: of what was before, they need whole peaks only.
    """

    peaks: Sequence[bytes]
    size: int
    leaves: Sequence[bytes]

    def inclusion(self, index: int) -> list[bytes]:
        """Proof that the leaf at `index`, from 0, is in this tree (RFC 6962, 2.1.1)."""
        proof = []
        low, high = 0, self.size + len(self.leaves)
        while high - low > 1:
            middle = _middle(low, high)
            if index < middle:
                proof.append(self._root(middle, high))
                high = middle
            else:
                proof.append(self._root(low, middle))
                low = middle
        return proof[::-1]

    def consistency(self) -> list[bytes]:
        """Proof that this tree grew from the one at `size` (RFC 6962, 2.1.2)."""
        proof = []
        low, high = 0, self.size + len(self.leaves)
        if self.size in (low, high):
            return []
        while self.size != high:
            middle = _middle(low, high)
            if self.size <= middle:
                proof.append(self._root(middle, high))
                high = middle
            else:
                proof.append(self._root(low, middle))
                low = middle
        if low:
            proof.append(self._root(low, high))
        return proof[::-1]

    def _root(self, low: int, high: int) -> bytes:
        """The root over the leaves from `low` up to `high`."""
        if low >= self.size:
            return root_of(self.leaves[low - self.size : high - self.size])
        known = self._peaks.get((low, high))
        if known is not None:
            return known
        middle = _middle(low, high)
        return node(self._root(low, middle), self._root(middle, high))

    @cached_property
    def _peaks(self) -> dict[tuple[int, int], bytes]:
        """The peaks, by the leaves that they are over."""
        known, low = {}, 0
        for peak in self.peaks:
            high = low + (1 << (self.size - low).bit_length() - 1)
            known[low, high] = peak
            low = high
        return known


def _middle(low: int, high: int) -> int:
    """Where a subtree parts: behind the largest power of two that is less than it has leaves."""
    return low + (1 << (high - low - 1).bit_length() - 1)
