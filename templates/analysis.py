"""What can be said about a template without rendering it: all its errors, each with its place.

Runs in a helper process, because parsing is as untrusted as rendering. Variables are followed
through `assign` and `for` against the event's schema, so that a misspelt field of a loop's item is
found too.
"""

import difflib
import re
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from liquid.ast import ConditionalBlockNode, Node
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.capture_tag import CaptureNode
from liquid.builtin.tags.for_tag import ForNode
from liquid.exceptions import LiquidError
from liquid.expression import Expression

from templates import catalogue, document, language, mail, schema
from templates.errors import RenderingFailed

MAX_PROBLEMS = 100
ANYTHING: Mapping[str, Any] = {"type": "anything"}
TEXT: Mapping[str, Any] = {"type": "string"}

type Type = Mapping[str, Any]
type Scope = ChainMap[str, Type]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something to tell the author.

    severity: an `error` keeps the version from being published, a `warning` does not.
    part: which source; line, column: from 1, where known.
    case: the name of the sample that fails, for what only shows when rendering.
    """

    severity: Literal["error", "warning"]
    part: str
    message: str
    line: int | None = None
    column: int | None = None
    case: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For the way between processes."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A problem at an index of one Liquid source."""

    severity: Literal["error", "warning"]
    message: str
    index: int


def check(event_type: str, channel: str, sources: catalogue.Sources) -> list[Problem]:
    """All problems of all parts, in reading order."""
    form = catalogue.event_type(event_type).schema(channel)
    problems: list[Problem] = []
    for part in catalogue.parts(channel):
        source = sources.get(part, "")
        if not source.strip():
            if part not in catalogue.OPTIONAL_PARTS:
                problems.append(Problem(severity="error", part=part, message="is empty"))
        elif channel == catalogue.WEBHOOK:
            problems += _check_document(source, form)
        else:
            problems += _check_text(part, source, form)
    return problems[:MAX_PROBLEMS]


def _check_text(part: str, source: str, form: Type) -> Iterator[Problem]:
    findings = list(analyse(source, form, html=part == "html"))
    if part == "html":
        findings += _removed_elements(source)
    for finding in sorted(findings, key=lambda one: one.index):
        line, column = language.position(source, finding.index)
        yield Problem(
            severity=finding.severity,
            part=part,
            message=finding.message,
            line=line,
            column=column,
        )


def _check_document(source: str, form: Type) -> Iterator[Problem]:
    try:
        parts = list(document.parts(document.parse(source)))
    except RenderingFailed as error:
        yield Problem(
            severity="error",
            part="body",
            message=error.message,
            line=error.line,
            column=error.column,
        )
        return
    for part in parts:
        template = part.source if part.kind == "liquid" else _as_output(part.source)
        for finding in analyse(template, form, html=False, nullable=part.kind == "value"):
            shift = 0 if part.kind == "liquid" else len("{{ ")
            line, column = language.position(template, finding.index)
            line, column = part.position(source, line, max(1, column - shift))
            yield Problem(
                severity=finding.severity,
                part="body",
                message=finding.message,
                line=line,
                column=column,
            )


def _as_output(path: str) -> str:
    return f"{{{{ {path} }}}}" if re.fullmatch(r"[\w.]+", path) else "{{ ? }}"


def analyse(source: str, form: Type, *, html: bool, nullable: bool = False) -> list[Finding]:
    """All findings in one Liquid source.

    nullable: the value is passed on as it is, so null, lists and objects are fine.
    """
    if len(source) > language.MAX_SOURCE_CHARS:
        limit = f"longer than {language.MAX_SOURCE_CHARS:,} characters"
        return [Finding(severity="error", message=limit, index=0)]
    raw: list[LiquidError] = []
    dialect = language.Dialect(html=html, problems=raw)
    try:
        nodes = dialect.parse(source).nodes
        walk = _Walk(form, nullable=nullable)
        walk.nodes(nodes, ChainMap({}, dict(form["properties"])), frozenset())
    except LiquidError as error:
        raw.append(error)
        return list(_syntax(raw, source))
    except RecursionError:
        return [Finding(severity="error", message="nested too deeply", index=0)]
    return [*_syntax(raw, source), *walk.findings]


def _syntax(errors: Iterable[LiquidError], source: str) -> Iterator[Finding]:
    tags = [tag.name for tag in language.TAGS] + ["endif", "endfor", "else", "elsif", "when"]
    found = False
    seen: set[Finding] = set()
    for error in errors:
        message = str(error.message)
        tag = re.fullmatch(r"unexpected tag '(\w*)'", message)
        if tag and found and re.match("end|els|when", tag[1]):
            continue  # the block that it belongs to was reported already
        if tag:
            message = f"there is no tag {tag[1]!r}{_did_you_mean(tag[1], tags)}"
        if isinstance(error.__cause__, RecursionError):
            message = "nested too deeply"
        if open_block := re.fullmatch(r"expected tag (\w+), found end of expression", message):
            message = f"{{% {open_block[1]} %}} is missing"
        index = error.token.start_index if error.token else -1
        found = True
        finding = Finding(
            severity="error", message=message, index=index if index >= 0 else len(source)
        )
        if finding not in seen:
            seen.add(finding)
            yield finding


class _Walk:
    """One pass through the nodes of a template, in the order in which they are rendered."""

    def __init__(self, form: Type, *, nullable: bool) -> None:
        self.findings: list[Finding] = []
        self.paths = [variable.path for variable in schema.variables(form)]
        self.nullable = nullable

    def nodes(self, nodes: Iterable[Node], scope: Scope, guards: frozenset[str]) -> None:
        """guards: the variables that a condition around these nodes has asked about."""
        for node in nodes:
            self._node(node, scope, guards)

    def _node(self, node: Node, scope: Scope, guards: frozenset[str]) -> None:
        for expression in node.expressions():
            self._expression(expression, scope)
        children = list(node.children(None))  # type: ignore[arg-type]
        match node:
            case OutputNode():
                self._output(node.expression, scope, guards)
            case AssignNode():
                scope.maps[-1][str(node.name)] = _type_of(node.expression, scope)
            case CaptureNode():
                self.nodes(children, scope, guards)
                scope.maps[-1][str(node.name)] = TEXT
            case ForNode():
                item = _item(_type_of(node.expression.iterable, scope))
                names = {str(node.expression.identifier): item, "forloop": ANYTHING}
                self.nodes(children, scope.new_child(names), guards)
            case _:
                asked = {str(path) for e in node.expressions() for path in _paths(e)}
                if isinstance(node, ConditionalBlockNode) or hasattr(node, "consequence"):
                    guards |= asked
                self.nodes(children, scope, guards)

    def _expression(self, expression: Expression, scope: Scope) -> None:
        for path in _paths(expression):
            try:
                _resolve(path, scope)
            except _Unknown as unknown:
                names = [*self.paths, *scope] if unknown.at_head else unknown.known
                guess = _did_you_mean(unknown.name or str(path), names, prefix=unknown.prefix)
                self._find("error", f"unknown variable {path}{guess}", path)
        for name, token in _filters(expression):
            if name not in language.FILTERS:
                guess = _did_you_mean(name, language.FILTERS)
                self._find("error", f"there is no filter {name!r}{guess}", token)

    def _output(self, expression: Expression, scope: Scope, guards: frozenset[str]) -> None:
        if self.nullable or not isinstance(expression, FilteredExpression):
            return
        path, filters = expression.left, [one.name for one in expression.filters or ()]
        if not isinstance(path, Path) or "default" in filters:
            return
        try:
            types = _resolve(path, scope)
        except _Unknown:
            return
        if (kind := schema.kind(types[-1])) in ("object", "array") and not filters:
            what = "a list" if kind == "array" else "an object"
            self._find("error", f"{path} is {what}; write out one of its fields", path)
        asked = any(str(path) == g or str(path).startswith(f"{g}.") for g in guards)
        if any(schema.is_nullable(one) for one in types) and not asked:
            self._find(
                "warning", f"{path} may be missing; add `| default: '…'` or ask with `if`", path
            )

    def _find(self, severity: Literal["error", "warning"], message: str, at: Any) -> None:
        token = getattr(at, "token", at)
        self.findings.append(Finding(severity=severity, message=message, index=token.start_index))


class _Unknown(Exception):
    """A path leads nowhere: after `prefix` comes `name`, where `known` would have been right."""

    def __init__(self, prefix: str = "", name: str = "", known: Sequence[str] = ()) -> None:
        self.prefix = prefix
        self.name = name
        self.known = known
        super().__init__()

    @property
    def at_head(self) -> bool:
        """Whether already the first name is unknown."""
        return not self.prefix


def _resolve(path: Path, scope: Scope) -> list[Type]:
    """The types along a path, from its head to its end. Raises _Unknown."""
    head, *segments = path.path
    if not isinstance(head, str) or head not in scope:
        raise _Unknown
    types, so_far = [scope[head]], head
    for segment in segments:
        types.append(_member(types[-1], segment, so_far))
        so_far += f".{segment}"
    return types


def _member(of: Type, segment: object, so_far: str) -> Type:
    kind = schema.kind(of)
    if kind == "anything" or segment == "size":
        return ANYTHING
    if kind == "array" and (not isinstance(segment, str) or segment in ("first", "last")):
        return dict(of["items"])
    if kind == "object" and isinstance(segment, Path):
        return ANYTHING
    properties: Mapping[str, Type] = of.get("properties", {})
    if isinstance(segment, str) and segment in properties:
        return properties[segment]
    raise _Unknown(f"{so_far}.", str(segment), list(properties))


def _type_of(expression: Expression, scope: Scope) -> Type:
    if isinstance(expression, FilteredExpression) and not expression.filters:
        expression = expression.left
    try:
        return _resolve(expression, scope)[-1] if isinstance(expression, Path) else ANYTHING
    except _Unknown:
        return ANYTHING


def _item(of: Type) -> Type:
    return dict(of["items"]) if schema.kind(of) == "array" else ANYTHING


def _paths(expression: Expression) -> Iterator[Path]:
    if isinstance(expression, Path):
        yield expression
    for child in expression.children():
        yield from _paths(child)


def _filters(expression: Expression) -> Iterator[tuple[str, Any]]:
    if isinstance(expression, FilteredExpression):
        for one in expression.filters or ():
            yield one.name, one.token
    for child in expression.children():
        yield from _filters(child)


def _did_you_mean(word: str, known: Iterable[str], *, prefix: str = "") -> str:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean `{prefix}{close[0]}`?" if close else ""


def _removed_elements(source: str) -> Iterator[Finding]:
    seen: set[str] = set()
    for found in re.finditer(r"<([A-Za-z][\w-]*)", source):
        name = found[1].lower()
        if name not in mail.TAGS and name != "style" and name not in seen:
            seen.add(name)
            message = f"<{name}> is taken out of mails"
            yield Finding(severity="warning", message=message, index=found.start())
