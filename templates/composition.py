"""One message out of sources and data: what a helper process does, start to end.

The same function renders the system default inside our own process, because its sources are ours.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from templates import catalogue, document, language, mail
from templates.errors import RenderingFailed


@dataclass(frozen=True, kw_only=True)
class Options:
    """For whom, and what is allowed.

    locale, time_zone: the reader's.
    image_hosts: hosts whose https images stay in the mail.
    """

    locale: str = "en"
    time_zone: str = "UTC"
    image_hosts: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For the way between processes."""
        return asdict(self)

    @property
    def reader(self) -> language.Reader:
        """As `language` wants it."""
        return language.Reader(locale=self.locale, time_zone=self.time_zone)


@dataclass(frozen=True, kw_only=True)
class Message:
    """What was rendered: a mail has subject, text and html, a webhook has a JSON body."""

    subject: str = ""
    text: str = ""
    html: str = ""
    body: str = ""

    def as_dict(self) -> dict[str, str]:
        """For the way between processes."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """What `as_dict` made."""
        return cls(**{name: str(value) for name, value in values.items()})


def compose(
    channel: str,
    sources: catalogue.Sources,
    data: Mapping[str, Any],
    options: Options,
    *,
    repair: bool = False,
) -> Message:
    """Render all parts of one message.

    repair: make an unsafe subject safe instead of refusing it.
    Raises RenderingFailed.
    """
    if channel == catalogue.WEBHOOK:
        return Message(body=document.render(sources["body"], data, reader=options.reader).decode())
    subject, text = _text("subject", sources, data, options), _text("text", sources, data, options)
    fragment = _text("html", sources, data, options) if sources.get("html", "").strip() else ""
    organization = data.get("organization") or {}
    html = mail.html(
        fragment or mail.text_to_html(text),
        locale=options.locale,
        organization=str(organization.get("name", "")),
        image_hosts=frozenset(options.image_hosts),
    )
    if len(html) > document.MAX_BODY_BYTES * 2:
        raise RenderingFailed("the mail is too long", reason="too_large", part="html")
    return Message(
        subject=mail.subject(subject, repair=repair), text=mail.plain_text(text), html=html
    )


def _text(part: str, sources: catalogue.Sources, data: Mapping[str, Any], options: Options) -> str:
    source = sources.get(part, "")
    return language.render(source, data, part=part, html=part == "html", reader=options.reader)
