"""Where a webhook may go.

A URL of an organization makes our servers connect somewhere, from inside our network. So every
attempt runs these three steps, and connects to what the last one returned:

    parse     one strict grammar; what is sent is built from its parts and never parsed again,
              so that no two parsers can disagree about the host
    resolve   once
    check     every answer; one forbidden answer refuses all

`ipaddress.is_global` is not asked: it is wrong for NAT64, 6to4 and multicast on some patch
versions of Python. IPv6 is allowed inside 2000::/3 only, minus a list; IPv4 by a list of what is
forbidden (IANA's special-purpose registries, and the metadata service of Azure, which is public).
"""

import re
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import idna

from jobs.families.notifications.errors import AddressRefused, HostUnresolved

Resolver = Callable[[str, int], Sequence[str]]
"""(host name, port) → addresses as text. Raises OSError when the name has none."""

URL_MAX_BYTES = 2048
RESOLVERS_AT_ONCE = 32

IPV4_METADATA = (
    IPv4Network("169.254.0.0/16"),  # link-local; 169.254.169.254 on most clouds
    IPv4Network("168.63.129.16/32"),  # Azure's wire server: a public address
    IPv4Network("100.100.100.200/32"),  # Alibaba
    IPv4Network("192.0.0.192/32"),  # Oracle
)
IPV4_FORBIDDEN = (
    *IPV4_METADATA,
    IPv4Network("0.0.0.0/8"),  # this host, this network
    IPv4Network("10.0.0.0/8"),
    IPv4Network("100.64.0.0/10"),  # carriers' NAT
    IPv4Network("127.0.0.0/8"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.0.0.0/24"),  # protocol assignments
    IPv4Network("192.0.2.0/24"),  # documentation
    IPv4Network("192.31.196.0/24"),  # AS112
    IPv4Network("192.52.193.0/24"),  # AMT relays
    IPv4Network("192.88.99.0/24"),  # 6to4 relays
    IPv4Network("192.168.0.0/16"),
    IPv4Network("192.175.48.0/24"),  # AS112
    IPv4Network("198.18.0.0/15"),  # benchmarks
    IPv4Network("198.51.100.0/24"),  # documentation
    IPv4Network("203.0.113.0/24"),  # documentation
    IPv4Network("224.0.0.0/4"),  # multicast
    IPv4Network("240.0.0.0/4"),  # reserved, broadcast
)
IPV6_METADATA = (IPv6Network("fe80::/10"), IPv6Network("fd00:ec2::254/128"))
IPV6_ALLOWED = IPv6Network("2000::/3")
IPV6_FORBIDDEN = (
    IPv6Network("2001::/23"),  # protocol assignments: Teredo, ORCHID, benchmarks
    IPv6Network("2001:db8::/32"),  # documentation
    IPv6Network("2002::/16"),  # 6to4: carries an IPv4 address
    IPv6Network("2620:4f:8000::/48"),  # AS112
    IPv6Network("3ffe::/16"),  # 6bone, returned
    IPv6Network("3fff::/20"),  # documentation
)
ISATAP_MARKS = (0x00005EFE, 0x02005EFE)  # upper half of an interface id that carries IPv4

FORBIDDEN_NAMES = (
    *("localhost", "localdomain", "local", "internal", "intranet", "lan", "home", "corp"),
    *("home.arpa", "arpa", "onion", "invalid"),
    *("metadata", "instance-data"),
)
"""Refused as a whole name and as an ending, before anybody is asked to resolve them."""

GRAMMAR = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9a-fA-F:.]+\]|[^\x00-\x20\x7f/?#@:\\%\[\]]+)"
    r"(?P<port>:[1-9][0-9]{0,4})?"
    r"(?P<target>[/?][\x21\x24-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]*)?"
)
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True, kw_only=True)
class AddressRules:
    """What a deployment allows; the defaults are those of production."""

    allow_http: bool = False  # plain http too, for development
    allowed_ports: frozenset[int] | None = frozenset({443})  # None: any port
    allowed_hosts: frozenset[str] = frozenset()
    """Host names or literals that may be loopback or private, for development. Link-local and
    metadata addresses stay forbidden."""
    own_hosts: frozenset[str] = frozenset()  # our own names: a webhook to us would loop
    resolve_seconds: float = 5.0  # how long the resolver may think

    @property
    def advice(self) -> str:
        """What an address must be like, in a sentence.

        Allowed hosts are not named: they tell of our network.
        """
        scheme = "http or https" if self.allow_http else "https"
        numbers = sorted(self.allowed_ports or ())
        *others, last = [f"port {number}" for number in numbers] or ["any port"]
        ports = f"{', '.join(others)} or {last}" if others else last
        but = ", or to what this site allows besides" if self.allowed_hosts else ""
        name = f"whose name resolves to public addresses only{but}"
        return f"Use an {scheme} address on {ports} {name}."

    def refusal(self, rule: str, addresses: tuple[str, ...] = ()) -> AddressRefused:
        """The error for an address that breaks `rule`; its text is the same for every rule."""
        text = f"This address cannot receive webhooks. {self.advice}"
        return AddressRefused(text, rule, addresses)


@dataclass(frozen=True, kw_only=True)
class Target:
    """A URL taken apart."""

    scheme: str  # "https" or "http"
    host: str  # lower case ASCII name, or an address without brackets
    port: int
    path: str  # begins with "/", with the query

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        standard = {"https": 443, "http": 80}[self.scheme]
        return host if self.port == standard else f"{host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Destination:
    """A target together with the addresses that were checked for it."""

    target: Target
    addresses: tuple[str, ...]  # in the resolver's order, at least one


def destination(url: str, rules: AddressRules, resolver: Resolver | None = None) -> Destination:
    """Parse, resolve once, check every answer.

    Raises `AddressRefused` for a forbidden URL or answer, `HostUnresolved` when there is no
    answer in time. Holds for one connection; a retry must ask again, since a name may
    point elsewhere by then.
    """
    target = parse(url, rules)
    addresses = _resolve(target, rules, resolver or system_resolver)
    check(target.host, addresses, rules)
    return Destination(target=target, addresses=addresses)


def parse(url: str, rules: AddressRules) -> Target:
    """Take a URL apart, without asking a resolver. Raises `AddressRefused`."""
    if len(url.encode(errors="replace")) > URL_MAX_BYTES:
        raise rules.refusal(f"longer than {URL_MAX_BYTES} bytes")
    match = GRAMMAR.fullmatch(url)
    if match is None:
        raise rules.refusal("not of the form https://host[:port][/path][?query]")
    scheme = match["scheme"]
    if scheme == "http" and not rules.allow_http:
        raise rules.refusal("plain http")
    port = int(match["port"][1:]) if match["port"] else {"https": 443, "http": 80}[scheme]
    if port > 65535 or (rules.allowed_ports is not None and port not in rules.allowed_ports):
        raise rules.refusal(f"port {port}")
    host = _host(match["host"], rules)
    path = match["target"] or "/"
    return Target(
        scheme=scheme, host=host, port=port, path=path if path.startswith("/") else f"/{path}"
    )


def check(host: str, addresses: Sequence[str], rules: AddressRules) -> None:
    """Refuse when any of the answers is forbidden."""
    exempt = host in rules.allowed_hosts
    for text in addresses:
        rule = forbidden(text, exempt=exempt)
        if rule:
            raise rules.refusal(f"{text} is {rule}", tuple(addresses))


def forbidden(text: str, *, exempt: bool = False) -> str:
    """The rule by which an address is forbidden, or an empty string.

    With `exempt` only link-local and metadata addresses are.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return "not an address"
    if isinstance(address, IPv4Address):
        return _within(address, IPV4_METADATA if exempt else IPV4_FORBIDDEN)
    if exempt:
        if address.ipv4_mapped is not None:
            return _within(address.ipv4_mapped, IPV4_METADATA)
        return _within(address, IPV6_METADATA)
    if address.scope_id is not None or address not in IPV6_ALLOWED:
        return f"outside {IPV6_ALLOWED}"
    if (int(address) >> 32) & 0xFFFFFFFF in ISATAP_MARKS:
        return "an ISATAP address"
    return _within(address, IPV6_FORBIDDEN)


def system_resolver(host: str, port: int) -> list[str]:
    """The machine's own resolver; each address once, in its order."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


def _within(
    address: IPv4Address | IPv6Address, networks: Sequence[IPv4Network] | Sequence[IPv6Network]
) -> str:
    return next((f"in {network}" for network in networks if address in network), "")


def _host(text: str, rules: AddressRules) -> str:
    if text.startswith("["):
        return _literal(text[1:-1], rules)
    try:
        # IDNA 2008 without mapping: full-width and circled digits are refused, not turned
        # into an IPv4 address behind our back.
        host = text.lower() if text.isascii() else idna.encode(text).decode()
    except UnicodeError:
        raise rules.refusal("not a host name") from None
    labels = host.split(".")
    if NUMERIC.fullmatch(labels[-1]):
        return _literal(host, rules)  # 127.1, 0x7f000001 and 017700000001 are no literals for us
    if len(host) > 253 or not all(LABEL.fullmatch(label) for label in labels):
        raise rules.refusal("not a host name")
    if host in rules.own_hosts:
        raise rules.refusal("one of our own host names")
    if host not in rules.allowed_hosts and _is_forbidden_name(host):
        raise rules.refusal("a name for internal use")
    return host


def _literal(text: str, rules: AddressRules) -> str:
    try:
        host = str(ip_address(text))
    except ValueError:
        raise rules.refusal("a number that is not a plain address") from None
    # A name is asked for at each connect; what is written out can be refused when it is set up.
    check(host, [host], rules)
    return host


def _is_forbidden_name(host: str) -> bool:
    if "." not in host:
        return True
    return any(host == name or host.endswith(f".{name}") for name in FORBIDDEN_NAMES)


def _resolve(target: Target, rules: AddressRules, resolver: Resolver) -> tuple[str, ...]:
    try:
        return (str(ip_address(target.host)),)
    except ValueError:
        return _ask(target, resolver, rules.resolve_seconds)


_asking = threading.BoundedSemaphore(RESOLVERS_AT_ONCE)


def _ask(target: Target, resolver: Resolver, seconds: float) -> tuple[str, ...]:
    """Ask in a thread of its own: `getaddrinfo` cannot be interrupted.

    A resolver that hangs keeps its thread; at most 32 of them, then asking fails at once.
    """
    answer: list[Sequence[str] | OSError] = []
    answered = threading.Event()

    def ask() -> None:
        try:
            answer.append(resolver(target.host, target.port))
        except (OSError, UnicodeError) as error:
            answer.append(OSError(str(error)))
        finally:
            answered.set()
            _asking.release()

    if not _asking.acquire(timeout=seconds):
        raise HostUnresolved(f"{target.host}: too many names are waiting for the resolver")
    threading.Thread(target=ask, name="webhook-resolver", daemon=True).start()
    if not answered.wait(seconds):
        raise HostUnresolved(f"{target.host}: the resolver did not answer in time")
    if not answer or isinstance(answer[0], OSError) or not answer[0]:
        raise HostUnresolved(f"{target.host} has no address")
    return tuple(answer[0])
