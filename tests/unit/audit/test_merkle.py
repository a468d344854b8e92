"""The tree is RFC 6962's: roots as its authors published them, proofs as RFC 9162 checks them."""

import hashlib

import pytest

from audit.sealing import merkle

# The entries and roots of the reference implementation (google/certificate-transparency).
ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
ENTRIES += ["606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [merkle.leaf(bytes.fromhex(entry)) for entry in ENTRIES]


@pytest.mark.parametrize("size", range(9))
def test_the_root_is_the_published_one(size: int) -> None:
    assert merkle.root_of(LEAVES[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize("cut", range(9))
def test_a_tree_grows_from_its_peaks(cut: int) -> None:
    peaks = merkle.grown([], 0, LEAVES[:cut])

    assert len(peaks) == cut.bit_count()
    assert merkle.root(merkle.grown(peaks, cut, LEAVES[cut:])).hex() == ROOTS[8]


@pytest.mark.parametrize("size", range(1, 20))
def test_each_event_is_proved_to_be_inside(size: int) -> None:
    leaves = [hashlib.sha256(bytes([number])).digest() for number in range(size)]
    root = merkle.root_of(leaves)

    for index, leaf in enumerate(leaves):
        for known in range(index + 1):
            assert grown(leaves, known).inclusion(index) == grown(leaves, 0).inclusion(index)
        proof = grown(leaves, index).inclusion(index)
        assert climbed(index, size, leaf, proof) == root
        assert climbed(index, size, hashlib.sha256(leaf).digest(), proof) != root


@pytest.mark.parametrize("size", range(1, 20))
def test_each_older_tree_is_proved_to_be_the_beginning(size: int) -> None:
    leaves = [hashlib.sha256(bytes([number])).digest() for number in range(size)]

    for older in range(1, size):
        proof = grown(leaves, older).consistency()
        roots = both_roots(older, size, merkle.root_of(leaves[:older]), proof)
        assert roots == (merkle.root_of(leaves[:older]), merkle.root_of(leaves))


def grown(leaves: list[bytes], known: int) -> merkle.Grown:
    """The tree over these leaves, of which only the peaks are known up to there."""
    peaks = merkle.grown([], 0, leaves[:known])
    return merkle.Grown(peaks=peaks, size=known, leaves=leaves[known:])


def climbed(index: int, size: int, leaf: bytes, proof: list[bytes]) -> bytes:
    """The root that an inclusion proof leads to, by RFC 9162, 2.1.3.2."""
    at, last, found = index, size - 1, leaf
    for one in proof:
        if at & 1 or at == last:
            found = merkle.node(one, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = merkle.node(found, one)
        at, last = at >> 1, last >> 1
    assert last == 0
    return found


def both_roots(older: int, size: int, root: bytes, proof: list[bytes]) -> tuple[bytes, bytes]:
    """The roots that a consistency proof leads to, by RFC 9162, 2.1.4.2."""
    path = [root, *proof] if older & (older - 1) == 0 else proof
    at, last = older - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = path[0]
    for one in path[1:]:
        if at & 1 or at == last:
            first, second = merkle.node(one, first), merkle.node(one, second)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            second = merkle.node(second, one)
        at, last = at >> 1, last >> 1
    return first, second
