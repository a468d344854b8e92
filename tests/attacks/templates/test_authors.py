"""What a template author may try against the renderer; each ends in an error or in nothing."""

import contextlib
from collections.abc import Iterator

import psutil
import pytest

from templates import catalogue
from templates.errors import RenderingFailed
from templates.limits import Budget, Pool

EVENT = catalogue.event_type("mission.changed")
BIG = "ab " * 10_000


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    pool = Pool(size=1, budget=Budget(cpu_seconds=0.5))
    yield pool
    pool.close()


def rendered(pool: Pool, **sources: str) -> dict[str, str]:
    request = {
        "op": "render",
        "channel": "mail",
        "sources": {"subject": "s", "text": "t", "html": ""} | sources,
        "data": EVENT.sample("mail"),
        "options": {},
    }
    answer: dict[str, str] = pool.ask(request)
    return answer


def loop(body: str, times: int = 9_999) -> str:
    return f"{{% for i in (1..{times}) %}}{body}{{% endfor %}}"


EXHAUSTING = {
    "loops in loops": loop(loop(loop("x"))),
    "empty loops in loops": loop(loop(loop("", 99), 99), 99),
    "loops one after the other": loop("") * 2_000,
    "a loop over a reversed range": loop("", 200_000_000).replace(") %}", ") reversed %}"),
    "doubling by assign": "{% assign a = 'x' %}" + "{% assign a = a | append: a %}" * 40,
    "doubling by capture": "{% assign a = 'x' %}"
    + "{% capture a %}{{ a }}{{ a }}{% endcapture %}" * 40,
    "keeping many captures": "".join(
        f"{{% capture v{i} %}}{BIG}{{% endcapture %}}" for i in range(2)
    )
    + "".join(f"{{% assign w{i} = v0 | append: v1 %}}" for i in range(100)),
    "5,000 nested ifs": "{% if mission %}" * 5_000 + "{% endif %}" * 5_000,
    "2 MB of source": "x" * 2_000_000,
    "replace after replace": "{{ 'aaaaaaaa'" + " | replace: 'a', 'aaaaaaaa'" * 20 + " }}",
    "replace of nothing": f"{{{{ '{BIG}' | replace: '', '{BIG}' }}}}",
    "split and join": f"{{% assign a = '{BIG}' %}}"
    + loop("{% assign b = a | split: '' | join: 'xx' %}"),
    "sort in a loop": "{% assign a = '"
    + "b,a," * 400
    + "' | split: ',' %}"
    + loop("{% assign b = a | sort | sort_natural | reverse | uniq %}"),
    "uniq of a long list": f"{{% assign a = '{BIG}' | split: ' ' | uniq %}}",
    "a huge product": "{{ 999999999" + " | times: 999999999" * 20 + " }}",
    "a power tower of floats": "{{ 9.9" + " | times: 999999999999" * 400 + " }}",
    "an endless range as text": "{{ (1..999999999999) | join: ',' }}",
    "a wide date": "{{ mission.starts_at | date: '%999999999d' }}",
    "output without end": loop(BIG),
    "deep indexing": "{{ " + "mission[" * 5_000 + "'id'" + "]" * 5_000 + " }}",
    "a filter on a filter on a filter": "{{ 'a'" + " | upcase" * 7_000 + " }}",
}


@pytest.mark.parametrize("source", EXHAUSTING.values(), ids=EXHAUSTING.keys())
def test_exhausting_templates_are_stopped_and_the_next_one_renders(pool: Pool, source: str) -> None:
    with contextlib.suppress(RenderingFailed):
        rendered(pool, text=source)

    assert rendered(pool, text="still here")["text"] == "still here\n"
    assert len(psutil.Process().children()) >= 1


REACHING = {
    "the class of a value": "{{ mission.__class__ }}",
    "the class of a text": "{{ mission.title.__class__.__mro__ }}",
    "attributes by index": "{{ mission['__init__']['__globals__'] }}",
    "a method": "{{ mission.items }}{{ mission.title.upper }}",
    "the loop's own object": "{% for c in changed %}{{ forloop.__init__ }}{% endfor %}",
    "attributes through map": "{{ changed | map: '__class__' | join }}",
    "attributes through where": "{{ changed | where: '__class__' | first | map: '__doc__' }}",
    "another organization's partial": "{% include 'organization/8/mission.changed' %}",
    "a rendered partial": "{% render 'organization/8/mission.changed' %}",
    "a file": "{% include '/etc/passwd' %}",
    "the clock": "{{ now }}",
    "an unescaped value": "{{ mission.title | safe }}",
    "a layout": "{% extends 'layout' %}",
}


@pytest.mark.parametrize("source", REACHING.values(), ids=REACHING.keys())
def test_there_is_nothing_behind_the_values(pool: Pool, source: str) -> None:
    try:
        text = rendered(pool, text=f"<{source}>")["text"]
    except RenderingFailed:
        return
    assert not any(leak in text for leak in ("class", "method", "object at", "function", "root:"))


def test_the_helper_knows_no_settings_and_no_secrets(pool: Pool) -> None:
    rendered(pool)

    environment = psutil.Process(pool.pids()[0]).environ()

    assert set(environment) <= {"PYTHONPATH", "PYTHONUTF8", "PYTHONDONTWRITEBYTECODE", "LC_CTYPE"}
