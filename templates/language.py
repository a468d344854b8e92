"""Our dialect of Liquid: the tags and filters that template authors have, and their limits.

Built on python-liquid in strict mode. Tags and filters are listed in, not filtered out: no loader,
so no `include` or `render`; no `safe`; no clock (`now`), since a delivery rendered twice must read
the same. Values are plain data (dict, list, str, int, float, bool, None), so there is nothing
behind them to reach for.

python-liquid does not meter its filters, and checks only nested loops. So every filter call here is
checked on the way in and out, and loops are counted over the whole template. These limits give a
clear message; what they miss ends in the helper process's limits (`limits`).
"""

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Any, NoReturn

from liquid import BoundTemplate, Environment, FalsyStrictUndefined, Markup, RenderContext, Token
from liquid.builtin import content, illegal, output
from liquid.builtin.filters import array, misc, string
from liquid.builtin.filters import math as arithmetic
from liquid.builtin.tags import (
    assign_tag,
    capture_tag,
    case_tag,
    comment_tag,
    cycle_tag,
    echo_tag,
    for_tag,
    if_tag,
    inline_comment_tag,
    liquid_tag,
    unless_tag,
)
from liquid.exceptions import FilterError, LiquidError, LiquidSyntaxError, ResourceLimitError
from liquid.output import LimitedStringIO
from liquid.utils import ReadOnlyChainMap

from templates.dates import date
from templates.errors import RenderingFailed

MAX_SOURCE_CHARS = 64 * 1024
MAX_OUTPUT_BYTES = 256 * 1024
MAX_LOCALS_BYTES = 512 * 1024
MAX_TEXT_CHARS = 64 * 1024
MAX_ITEMS = 1_000
MAX_NUMBER = 10**15
MAX_LOOPS = 10_000
MAX_FILTERED_CHARS = 4 * 1024 * 1024

TAGS = (
    content.Literal,
    output.Output,
    illegal.Illegal,
    if_tag.IfTag,
    unless_tag.UnlessTag,
    case_tag.CaseTag,
    for_tag.ForTag,
    for_tag.BreakTag,
    for_tag.ContinueTag,
    assign_tag.AssignTag,
    capture_tag.CaptureTag,
    cycle_tag.CycleTag,
    echo_tag.EchoTag,
    liquid_tag.LiquidTag,
    comment_tag.CommentTag,
    inline_comment_tag.InlineCommentTag,
)

FILTERS: Mapping[str, Callable[..., Any]] = {
    "abs": arithmetic.abs_,
    "append": string.append,
    "at_least": arithmetic.at_least,
    "at_most": arithmetic.at_most,
    "capitalize": string.capitalize,
    "ceil": arithmetic.ceil,
    "compact": array.compact,
    "concat": array.concat,
    "date": date,
    "default": misc.default,
    "divided_by": arithmetic.divided_by,
    "downcase": string.downcase,
    "escape": string.escape,
    "escape_once": string.escape_once,
    "first": array.first,
    "floor": arithmetic.floor,
    "has": array.has,
    "join": array.join,
    "last": array.last,
    "lstrip": string.lstrip,
    "map": array.map_,
    "minus": arithmetic.minus,
    "modulo": arithmetic.modulo,
    "newline_to_br": string.newline_to_br,
    "plus": arithmetic.plus,
    "prepend": string.prepend,
    "reject": array.reject,
    "remove": string.remove,
    "remove_first": string.remove_first,
    "remove_last": string.remove_last,
    "replace": string.replace,
    "replace_first": string.replace_first,
    "replace_last": string.replace_last,
    "reverse": array.reverse,
    "round": arithmetic.round_,
    "rstrip": string.rstrip,
    "size": misc.size,
    "slice": string.slice_,
    "sort": array.sort,
    "sort_natural": array.sort_natural,
    "split": string.split,
    "squish": string.squish,
    "strip": string.strip,
    "strip_html": string.strip_html,
    "strip_newlines": string.strip_newlines,
    "sum": array.sum_,
    "times": arithmetic.times,
    "truncate": string.truncate,
    "truncatewords": string.truncatewords,
    "uniq": array.uniq,
    "upcase": string.upcase,
    "url_encode": string.url_encode,
    "where": array.where,
}


class Missing(FalsyStrictUndefined):
    """A variable that is not there: false in a condition, replaced by `default`, else an error."""

    force_liquid_default = True


class Context(RenderContext):
    """One rendering: its reader's locale and time zone, and what it has used up."""

    locale = "en"
    time_zone = "UTC"

    def __init__(self, template: BoundTemplate, **options: Any) -> None:
        super().__init__(template, **options)
        # Without python-liquid's own `now` and `today`.
        self.scope = ReadOnlyChainMap(self.locals, self.globals, self.counters)
        self.loops_left = MAX_LOOPS
        self.chars_left = MAX_FILTERED_CHARS

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        """The filter, metered."""
        unmetered = super().filter(name, token)

        @functools.wraps(unmetered)
        def metered(*args: Any, **kwargs: Any) -> object:
            try:
                return self._metered(name, unmetered, args, kwargs)
            except LiquidError as error:
                error.token = error.token or token
                raise

        return metered

    def raise_for_loop_limit(self, length: int = 1) -> None:
        """Count every pass of every loop, nested or one after the other."""
        self.loops_left -= length
        if self.loops_left < 0:
            raise ResourceLimitError(f"loops over {MAX_LOOPS:,} passes in all", token=None)

    def _metered(
        self, name: str, unmetered: Callable[..., Any], args: Any, kwargs: Mapping[str, Any]
    ) -> object:
        for value in (*args, *kwargs.values()):
            self._spend(name, value)
        if name.startswith("replace"):
            _refuse_growth(name, *map(str, args))
        try:
            result = unmetered(*args, **kwargs)
        except (ValueError, OverflowError, ArithmeticError, AttributeError) as error:
            raise FilterError(f"{name}: {error}", token=None) from error
        self._spend(name, result)
        return result

    def _spend(self, name: str, value: object) -> None:
        if isinstance(value, str):
            self.chars_left -= len(value)
            _refuse(len(value) > MAX_TEXT_CHARS, name, f"a text over {MAX_TEXT_CHARS:,} characters")
        elif isinstance(value, list | tuple | dict | range):
            # A range counts its items without making them.
            self.chars_left -= min(len(value), MAX_ITEMS + 1) * 8
            _refuse(len(value) > MAX_ITEMS, name, f"a list over {MAX_ITEMS:,} items")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            whole = math.isfinite(value) and abs(value) <= MAX_NUMBER
            _refuse(not whole, name, f"a number over {MAX_NUMBER:,}")
        _refuse(self.chars_left < 0, name, f"over {MAX_FILTERED_CHARS:,} characters in all")


class Template(BoundTemplate):
    """A parsed template of this dialect."""

    context_class = Context

    def _get_buffer(self) -> StringIO:
        # Without newline="" every "\r" that is written would be read back as "\n".
        return LimitedStringIO(limit=MAX_OUTPUT_BYTES, newline="")


class Dialect(Environment):
    """The environment that parses and renders; `problems` collects errors instead of raising."""

    block_nesting_limit = 20
    context_depth_limit = 30
    loop_iteration_limit = MAX_LOOPS
    local_namespace_limit = MAX_LOCALS_BYTES
    output_stream_limit = MAX_OUTPUT_BYTES
    template_class = Template

    def __init__(self, *, html: bool, problems: list[LiquidError] | None = None) -> None:
        self.problems = problems
        super().__init__(undefined=Missing, autoescape=html, strict_filters=True)

    def __hash__(self) -> int:
        # python-liquid caches one parser per hash, and a parser keeps its environment.
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        """Only what is listed above."""
        for tag in TAGS:
            self.add_tag(tag)
        self.filters = dict(FILTERS)

    def error(self, exc: Any, msg: str | None = None, token: Token | None = None) -> None:
        """Raise, or collect while validating."""
        error = exc if isinstance(exc, LiquidError) else exc(msg, token=token)
        error.token = error.token or token
        if self.problems is None:
            raise error
        self.problems.append(error)


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Whom a text is for: a locale such as `de-CH`, an IANA time zone."""

    locale: str = "en"
    time_zone: str = "UTC"


def render(
    source: str, data: Mapping[str, Any], *, part: str, html: bool, reader: Reader | None = None
) -> str:
    """The source filled with plain data; with `html`, every value is escaped.

    Raises RenderingFailed, with line and column where python-liquid knows them.
    """
    try:
        template = parse(source, html=html)
        context = Context(template, globals=data)
        context.locale = (reader or Reader()).locale
        context.time_zone = (reader or Reader()).time_zone
        buffer = template._get_buffer()
        template.render_with_context(context, buffer)
        return buffer.getvalue()
    except LiquidError as error:
        raise_located(error, source, part)
    except RecursionError as error:
        raise RenderingFailed("nested too deeply", part=part) from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # python-liquid lets some through, as in `{% if mission contains mission %}`.
        raise RenderingFailed(f"{type(error).__name__}: {error}"[:300], part=part) from error


@functools.lru_cache(maxsize=64)
def parse(source: str, *, html: bool) -> BoundTemplate:
    """The parsed source. Raises LiquidError for the first error."""
    if len(source) > MAX_SOURCE_CHARS:
        raise LiquidSyntaxError(f"longer than {MAX_SOURCE_CHARS:,} characters", token=None)
    return _dialect(html=html).parse(source)


def raise_located(error: LiquidError, source: str, part: str) -> NoReturn:
    """Raise the error as ours."""
    line, column = (None, None)
    if error.token is not None and error.token.start_index >= 0:
        line, column = position(source, error.token.start_index)
    reason = "syntax" if isinstance(error, LiquidSyntaxError) else "template_error"
    if isinstance(error, ResourceLimitError):
        reason = "budget_exceeded"
    raise RenderingFailed(
        str(error.message), reason=reason, part=part, line=line, column=column
    ) from error


def position(source: str, index: int) -> tuple[int, int]:
    """Line and column, both from 1, of an index into the source."""
    before = source[:index]
    return before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1


@functools.cache
def _dialect(*, html: bool) -> Dialect:
    return Dialect(html=html)


def _refuse(condition: bool, name: str, what: str) -> None:
    if condition:
        raise ResourceLimitError(f"{name}: {what}", token=None)


def _refuse_growth(name: str, text: str, old: str, new: str = "") -> None:
    """Count before replacing: the result of one `replace` can be 64 K times 64 K characters."""
    if name == "replace" and len(new) > len(old):
        growth = (text.count(old) if old else len(text) + 1) * (len(new) - len(old))
        _refuse(
            len(text) + growth > MAX_TEXT_CHARS, name, f"a text over {MAX_TEXT_CHARS:,} characters"
        )


__all__ = ["FILTERS", "TAGS", "Dialect", "Markup", "Reader", "parse", "position", "render"]
