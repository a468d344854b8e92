"""Text as we keep it: NFC, and nothing in it that a terminal or a database would obey."""

import re
import unicodedata

from jobs.families.transfers.rules.findings import Finding

_REFUSED = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_LINE_ENDS = re.compile(r"[\n\r]")
_WARNED = re.compile("[\u2028\u2029\ufffd]")


def is_plain(text: str) -> bool:
    """Whether nothing can be said about this text, nor changed in it. Cheap."""
    return text.isprintable() and (
        text.isascii() or (unicodedata.is_normalized("NFC", text) and "\ufffd" not in text)
    )


def normalized(text: str, found: list[Finding], *, several_lines: bool) -> str:
    """The text in NFC. Tabs may be in every text, ends of lines where `several_lines`."""
    if is_plain(text):
        return text
    if "\0" in text:
        found.append(
            Finding(
                "nul_character",
                "A NUL character (U+0000) is in this text and cannot be kept. Remove it; files "
                "that were written as UTF-16 and read as something else are full of them.",
            )
        )
    elif control := _REFUSED.search(text) or (not several_lines and _LINE_ENDS.search(text)):
        found.append(_control(control[0], control.start()))
    elif warned := _WARNED.search(text):
        found.append(_REPLACED if warned[0] == "\ufffd" else _LINE_SEPARATOR)
    return unicodedata.normalize("NFC", text)


def _control(character: str, place: int) -> Finding:
    named = f"U+{ord(character):04X}"
    what = (
        "A line ends inside this text, which has room for one line only. Write it on one line."
        if character in "\n\r"
        else f"The control character {named} is in this text. Remove it, or choose the encoding "
        "that the file was written in."
    )
    return Finding("control_character", what, detail={"character": named, "position": place + 1})


_LINE_SEPARATOR = Finding(
    "line_separator",
    "A Unicode line separator (U+2028 or U+2029) is in this text. It is kept, but some programs "
    "show it as the end of a line, others not at all.",
    level="warn",
)
_REPLACED = Finding(
    "replacement_character",
    "The sign � (U+FFFD) is in this text: whatever wrote the file had lost a character there. It "
    "is kept; look for the original.",
    level="warn",
)
