"""What becomes of rendered text before it is a mail: one safe subject line, clean text, clean HTML.

Nothing that an author or an outsider wrote is trusted. HTML goes through three steps in this
order: style sheets are inlined (nothing is fetched, from the network or from files), the result is
sanitised, and what is left is put into our own layout. Sanitising comes last of the untrusted
steps, so that nothing an earlier step made can slip past it.
"""

import functools
import html as html_entities
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import css_inline
import mrml
import nh3

from templates.errors import RenderingFailed

MAX_SUBJECT_CHARS = 200
FOOTER = "<!--footer-->"
"""Where a mail's footer goes; nobody else's, because sanitised text has no comments."""
RIGHT_TO_LEFT_LANGUAGES = frozenset({"ar", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})

_LINE_ENDS = re.compile("[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")
# Left out of every subject: what reorders it or hides in it. ZWJ and ZWNJ are handled apart,
# because emoji, Persian and Indic scripts need them.
_HIDDEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_JOINERS = re.compile("(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")

_TAGS = (
    "a b blockquote br caption code col colgroup div em h1 h2 h3 h4 hr i img li ol p pre s "
    "small span strong sub sup table tbody td tfoot th thead tr u ul"
)
TAGS = frozenset(_TAGS.split())
ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "*": frozenset({"align", "dir", "lang", "style", "title", "valign"}),
    "a": frozenset({"href"}),
    "col": frozenset({"span", "width"}),
    "img": frozenset({"alt", "height", "src", "width"}),
    "ol": frozenset({"start", "type"}),
    "table": frozenset({"border", "cellpadding", "cellspacing", "role", "width"}),
    "td": frozenset({"colspan", "height", "rowspan", "width"}),
    "th": frozenset({"colspan", "height", "rowspan", "scope", "width"}),
}
_STYLES = (
    "background-color border border-bottom border-collapse border-color border-left "
    "border-radius border-right border-spacing border-style border-top border-width color "
    "direction display font font-family font-size font-style font-weight height "
    "letter-spacing line-height margin margin-bottom margin-left margin-right margin-top "
    "max-width min-width padding padding-bottom padding-left padding-right padding-top "
    "text-align text-decoration text-transform vertical-align white-space width word-break"
)
STYLES = frozenset(_STYLES.split())
# Inside a permitted property: anything that fetches, runs, or hides its name behind an escape.
_ACTIVE_STYLE = re.compile(r"url\s*\(|expression|image-set|@|\\|/\*|javascript:", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Link:
    """An address of ours, and what to call it."""

    label: str
    address: str


def subject(text: str, *, repair: bool = False) -> str:
    """One line for the Subject field, without what reorders or hides text; cut at 200 characters.

    A line end or an encoded word (`=?`) inside is refused with RenderingFailed, because it is how
    headers are injected; with `repair` it becomes harmless instead (for our own default templates,
    whose only foreign part is the data).
    """
    line = text.strip()
    if repair:
        line = _LINE_ENDS.sub(" ", line).replace("=?", "= ?")
    elif found := _LINE_ENDS.search(line):
        name = unicodedata.name(found.group(), f"U+{ord(found.group()):04X}")
        _refuse_subject(f"the subject has more than one line (it contains {name})")
    line = _CONTROLS.sub("", _JOINERS.sub("", _HIDDEN.sub("", line)))
    if "=?" in line:  # looked for last: removing hidden characters must not put one together
        line = line.replace("=?", "= ?") if repair else _refuse_subject("the subject contains `=?`")
    line = " ".join(line.split())
    if not line and not repair:
        _refuse_subject("the subject is empty")
    return line if len(line) <= MAX_SUBJECT_CHARS else line[: MAX_SUBJECT_CHARS - 1].rstrip() + "…"


def plain_text(text: str) -> str:
    """Text with unix line ends, without control characters and piled-up empty lines."""
    lines = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return re.sub(r"\n\s*\n", "\n\n", lines).strip() + "\n"


def text_to_html(text: str) -> str:
    """Paragraphs for a template that has text only."""
    paragraphs = (html_entities.escape(part) for part in re.split(r"\n{2,}", text.strip()))
    return "".join(f"<p>{part.replace(chr(10), '<br>')}</p>" for part in paragraphs)


def html(fragment: str, *, locale: str, organization: str, image_hosts: frozenset[str]) -> str:
    """A whole HTML document around a rendered fragment, with a place for `with_footer`.

    image_hosts: the hosts whose https images stay; others are removed.
    """
    before, between, below, after = _layout()
    clean = sanitised(inlined(_CONTROLS.sub("", fragment)), image_hosts=image_hosts)
    language = re.sub(r"[^A-Za-z0-9-]", "", locale.replace("_", "-")) or "en"
    direction = "rtl" if language.split("-")[0] in RIGHT_TO_LEFT_LANGUAGES else "ltr"
    opening = before.replace('lang="en"', f'lang="{language}"')
    opening = opening.replace('dir="ltr"', f'dir="{direction}"')
    return f"{opening}{html_entities.escape(organization)}{between}{clean}{below}{FOOTER}{after}"


def with_footer(document: str, sentence: str, links: Iterable[Link]) -> str:
    """The document that `html` made, with our own last lines at its foot."""
    lines = [html_entities.escape(sentence)]
    lines += [
        f'<a href="{html_entities.escape(link.address)}" style="color:#52525b">'
        f"{html_entities.escape(link.label)}</a>"
        for link in links
    ]
    return document.replace(FOOTER, "<br>".join(lines))


def inlined(fragment: str) -> str:
    """The fragment with the rules of its `<style>` elements moved into `style` attributes."""
    if "<style" not in fragment.lower():
        return fragment
    try:
        return _INLINER.inline(fragment)
    except css_inline.InlineError as error:
        raise RenderingFailed(f"the style sheet cannot be read: {error}", part="html") from error


def sanitised(fragment: str, *, image_hosts: frozenset[str]) -> str:
    """The fragment with listed elements, attributes, style properties and link schemes only."""
    return _cleaner(image_hosts).clean(fragment).replace("<p></p>", "")


_INLINER = css_inline.CSSInliner(
    load_remote_stylesheets=False,  # also what keeps it from reading file: sheets; on by default
    keep_style_tags=False,
    keep_link_tags=False,
    keep_at_rules=False,
)


@functools.lru_cache(maxsize=64)
def _cleaner(image_hosts: frozenset[str]) -> nh3.Cleaner:
    def keep(element: str, attribute: str, value: str) -> str | None:
        if attribute == "style" and _ACTIVE_STYLE.search(value):
            return None
        if element == "img" and attribute == "src" and not _may_load(value, image_hosts):
            return None
        return value

    return nh3.Cleaner(
        tags=TAGS,
        clean_content_tags={"script", "style", "title", "template", "svg", "math"},
        attributes=ATTRIBUTES,
        attribute_filter=keep,
        strip_comments=True,
        link_rel="noopener noreferrer",
        url_schemes={"http", "https", "mailto"},
        url_relative="deny",
        filter_style_properties=STYLES,
    )


def _may_load(address: str, image_hosts: frozenset[str]) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme == "https" and parts.netloc.lower() in image_hosts
    except ValueError:
        return False


@functools.cache
def _layout() -> tuple[str, str, str, str]:
    """Our layout, compiled from MJML, in the pieces around its three places."""
    source = (Path(__file__).parent / "layout.mjml").read_text()
    # Without `fonts` MJML loads some of Google's, and every reader would be told to them.
    options = mrml.RenderOptions(disable_comments=False, fonts={})
    compiled = mrml.to_html(source, None, options).content
    pieces = re.split(r"\{\{(?:organization|content|footer)\}\}", compiled)
    before, between, below, after = pieces
    return before, between, below, after


def _refuse_subject(why: str) -> Any:
    raise RenderingFailed(why, reason="subject_refused", part="subject")
