"""What data and authors may try in a subject line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from templates import mail
from templates.errors import RenderingFailed

LINE_ENDS = ["\r", "\n", "\r\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
HIDDEN = {
    "right-to-left override": "\u202e",
    "left-to-right embedding": "\u202a",
    "isolate": "\u2066",
    "pop isolate": "\u2069",
    "right-to-left mark": "\u200f",
    "arabic letter mark": "\u061c",
    "zero-width space": "\u200b",
    "word joiner": "\u2060",
    "byte order mark": "\ufeff",
    "soft hyphen": "\u00ad",
    "hangul filler": "\u3164",
    "tag letters": "\U000e0041",
    "zero-width joiner between latin letters": "\u200d",
}


@pytest.mark.parametrize("end", LINE_ENDS, ids=[end.encode().hex() for end in LINE_ENDS])
def test_a_second_line_is_refused(end: str) -> None:
    with pytest.raises(RenderingFailed) as refused:
        mail.subject(f"Hello{end}Bcc: everybody@example.org")

    assert refused.value.reason == "subject_refused"


@pytest.mark.parametrize("end", LINE_ENDS, ids=[end.encode().hex() for end in LINE_ENDS])
def test_a_second_line_in_the_data_of_our_own_default_becomes_one(end: str) -> None:
    assert mail.subject(f"Hello{end}Bcc: x", repair=True) == "Hello Bcc: x"


@pytest.mark.parametrize("text", ["=?utf-8?q?x?=", "a =\u200b?utf-8?b?eA==?=", "=\x00?x"])
def test_an_encoded_word_is_refused_even_in_pieces(text: str) -> None:
    with pytest.raises(RenderingFailed):
        mail.subject(text)


@pytest.mark.parametrize("character", HIDDEN.values(), ids=HIDDEN.keys())
def test_characters_that_hide_or_reorder_are_left_out(character: str) -> None:
    assert mail.subject(f"Pay{character}pal") == "Paypal"


def test_joiners_that_a_script_or_an_emoji_needs_stay() -> None:
    assert mail.subject("می\u200cخواهم 👩\u200d🚀") == "می\u200cخواهم 👩\u200d🚀"


@given(st.text())
def test_whatever_comes_in_one_header_line_goes_out(text: str) -> None:
    line = mail.subject(text, repair=True)

    assert len(line.splitlines()) <= 1
    assert "=?" not in line
    assert len(line) <= mail.MAX_SUBJECT_CHARS
    line.encode()
