"""The guard: which URLs and which addresses are refused, before anything is connected."""

import threading
from collections.abc import Callable

import pytest

from jobs.families.notifications.errors import AddressRefused, HostUnresolved
from jobs.families.notifications.webhooks.address import (
    AddressRules,
    Resolver,
    destination,
    forbidden,
    parse,
)

PRODUCTION = AddressRules()
PUBLIC_V4 = "93.184.216.34"
PUBLIC_V6 = "2606:2800:220:1:248:1893:25c8:1946"


def answering(*addresses: str) -> Resolver:
    return lambda _host, _port: list(addresses)


def rotating(*answers: str) -> tuple[Resolver, Callable[[], int]]:
    left = list(answers)
    return (lambda _host, _port: [left.pop(0)]), lambda: len(left)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "0", "2130706433", "0x7f000001", "0177.0.0.1", "017700000001"),
        *("１２７.0.0.1", "①②⑦.⓪.⓪.①", "127。0。0。1", "0x7f.1", "1.2.3", "1.2.3.4.5", "256.1.1.1"),
        *("[::]", "[::1]", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]"),
        *("[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]"),
        *(
            "[fec0::1]",
            "[fe80::1%lo]",
            "[fd00:ec2::254]",
            "[2001:db8::1]",
            "[3fff::1]",
            "[ff02::1]",
        ),
        *("169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "100.64.0.1"),
        *("198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "10.1.2.3", "172.31.0.1"),
        *("192.168.1.1", "0.0.0.0", "localhost", "metadata", "metadata.google.internal"),
        *("printer.local", "a.localhost", "db.internal", "router.home.arpa", "example.com."),
        *("ex%61mple.com", "-a.example.com", "a..example.com", "[::1", "[127.0.0.1]", "x" * 254),
    ],
)
def test_hosts_inside_are_refused_without_asking_a_resolver(host: str) -> None:
    def unexpected(name: str, _port: int) -> list[str]:
        pytest.fail(f"{name} was resolved")

    with pytest.raises(AddressRefused):
        destination(f"https://{host}/hook", PRODUCTION, unexpected)


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.com/", "ftp://example.com/", "file:///etc/passwd", "//example.com/", ""),
        *("https://user@example.com/", "https://user:pass@example.com/", "https://@example.com/"),
        *("https://example.com\\@10.0.0.1/", "https://10.0.0.1\\.example.com/", "https:\\\\a.com"),
        *("https://example.com:8443/", "https://example.com:80/", "https://example.com:0443/"),
        *(
            "https://example.com:/",
            "https://example.com:99999/",
            "https://example.com:443@evil.com",
        ),
        *("https://example.com/\r\nX: y", "https://exa\tmple.com/", "https://example.com/\x00"),
        *(" https://example.com/", "https://example.com/ ", "https://example.com/#a", "https:///x"),
        *("https://exam ple.com/", "https://example.com/é", "https://example.com/" + "a" * 2048),
    ],
)
def test_urls_that_parsers_may_read_differently_are_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        parse(url, PRODUCTION)


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("https://Example.com", "example.com", "/"),
        ("https://example.com:443/a/b?c=d&e=%20", "example.com", "/a/b?c=d&e=%20"),
        ("https://example.com?x=1", "example.com", "/?x=1"),
        ("https://bücher.example.com/", "xn--bcher-kva.example.com", "/"),
        (f"https://{PUBLIC_V4}/", PUBLIC_V4, "/"),
        (f"https://[{PUBLIC_V6}]/", PUBLIC_V6, "/"),
    ],
)
def test_public_urls_are_taken_apart(url: str, host: str, path: str) -> None:
    target = parse(url, PRODUCTION)

    assert (target.scheme, target.host, target.port, target.path) == ("https", host, 443, path)


@pytest.mark.parametrize(
    "answers",
    [
        (PUBLIC_V4, "10.0.0.1"),
        ("10.0.0.1", PUBLIC_V4),
        (PUBLIC_V4, "::1"),
        ("fe80::1%eth0", PUBLIC_V4),
        (PUBLIC_V4, "::ffff:169.254.169.254"),
        ("168.63.129.16",),
        ("2001:4860:1234:5678:0:5efe:7f00:1",),
        ("not an address",),
    ],
)
def test_one_forbidden_answer_refuses_all(answers: tuple[str, ...]) -> None:
    with pytest.raises(AddressRefused) as refused:
        destination("https://example.com/", PRODUCTION, answering(*answers))

    assert refused.value.addresses == answers


@pytest.mark.parametrize(
    ("rules", "advice"),
    [
        (
            PRODUCTION,
            "Use an https address on port 443 whose name resolves to public addresses only.",
        ),
        (
            AddressRules(allow_http=True, allowed_ports=frozenset({8026, 443, 80})),
            "Use an http or https address on port 80, port 443 or port 8026 whose name resolves to "
            "public addresses only.",
        ),
        (
            AddressRules(allowed_ports=None, allowed_hosts=frozenset({"inside.example"})),
            "Use an https address on any port whose name resolves to public addresses only, or to "
            "what this site allows besides.",
        ),
    ],
)
def test_a_refusal_says_what_is_wanted_by_the_rules_in_force(
    rules: AddressRules, advice: str
) -> None:
    with pytest.raises(AddressRefused) as refused:
        parse("ftp://example.com/", rules)

    assert str(refused.value) == f"This address cannot receive webhooks. {advice}"


def test_every_answer_of_a_public_name_is_kept_in_order() -> None:
    found = destination("https://example.com/", PRODUCTION, answering(PUBLIC_V6, PUBLIC_V4))

    assert found.addresses == (PUBLIC_V6, PUBLIC_V4)


def test_a_name_that_moves_inside_is_refused_on_the_next_attempt() -> None:
    resolver, left = rotating(PUBLIC_V4, "127.0.0.1")
    destination("https://example.com/", PRODUCTION, resolver)

    with pytest.raises(AddressRefused):
        destination("https://example.com/", PRODUCTION, resolver)

    assert left() == 0


def test_the_text_is_the_same_for_every_cause_and_the_rule_is_for_operators() -> None:
    refusals = []
    for url, answer in [
        ("https://example.com:22/", PUBLIC_V4),
        ("https://example.com/", "10.0.0.1"),
        ("https://localhost/", PUBLIC_V4),
    ]:
        with pytest.raises(AddressRefused) as refused:
            destination(url, PRODUCTION, answering(answer))
        refusals.append(refused.value)

    assert len({str(refusal) for refusal in refusals}) == 1
    assert len({refusal.detail for refusal in refusals}) == 3
    assert "10.0.0.1" in refusals[1].detail
    assert not any("10.0.0.1" in str(refusal) for refusal in refusals)


def test_our_own_names_are_refused() -> None:
    rules = AddressRules(own_hosts=frozenset({"plane.example.com"}))

    with pytest.raises(AddressRefused):
        parse("https://PLANE.example.com/api/v1/", rules)


def test_a_name_without_an_answer_is_unresolved_and_may_be_tried_again() -> None:
    def failing(_host: str, _port: int) -> list[str]:
        raise OSError("no such name")

    for resolver in (failing, answering()):
        with pytest.raises(HostUnresolved):
            destination("https://example.com/", PRODUCTION, resolver)


def test_a_resolver_that_hangs_is_left_behind() -> None:
    release = threading.Event()

    def hanging(_host: str, _port: int) -> list[str]:
        release.wait()
        return [PUBLIC_V4]

    with pytest.raises(HostUnresolved):
        destination("https://example.com/", AddressRules(resolve_seconds=0.05), hanging)

    release.set()


def test_development_may_allow_http_ports_and_hosts() -> None:
    rules = AddressRules(
        allow_http=True, allowed_ports=None, allowed_hosts=frozenset({"127.0.0.1", "hooks.test"})
    )

    assert destination("http://127.0.0.1:8026/hooks/a", rules).target.port == 8026
    assert destination("http://hooks.test/", rules, answering("127.0.0.1", "::1")).addresses
    with pytest.raises(AddressRefused):
        destination("http://127.0.0.2/", rules)


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "168.63.129.16", "::ffff:169.254.169.254", "fd00:ec2::254"]
)
def test_metadata_addresses_stay_forbidden_for_allowed_hosts(address: str) -> None:
    assert forbidden(address, exempt=True)
