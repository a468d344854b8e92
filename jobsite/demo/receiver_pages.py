"""The pages of the receivers, as text. Everything that arrived is escaped; a mail's own HTML is
shown in a frame without scripts and without our origin."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobsite.demo.receivers import ReceivedHook, ReceivedMail

SHOWN_MAX = 200
STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #888; --good: #15803d; --bad: #b91c1c }
@media (prefers-color-scheme: dark) { :root { --good: #4ade80; --bad: #f87171 } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top }
th, .soft { color: var(--soft); font-weight: normal } .good { color: var(--good) }
.bad { color: var(--bad) } pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0 }
iframe { width: 100%; height: 28rem; border: 1px solid var(--line); background: #fff }
form { display: inline } button { font: inherit; padding: .15rem .6rem }
"""
VERIFIED = {
    True: '<span class="good">✓ signature holds</span>',
    False: '<span class="bad">✗ signature does not hold</span>',
    None: '<span class="soft">? no secret known here</span>',
}


def index(
    mails: Sequence["ReceivedMail"], hooks: Sequence["ReceivedHook"], answers: Mapping[str, int]
) -> str:
    return _page(
        "Receivers",
        "<h2>Webhooks</h2>" + _hook_list(hooks, answers) + "<h2>Mails</h2>" + _mail_list(mails),
        refresh=True,
    )


def mail(shown: "ReceivedMail") -> str:
    heads = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>"
        for name, value in shown.headers.items()
    )
    frame = (
        f'<h2>HTML</h2><iframe sandbox title="The mail as HTML" src="/mails/{shown.number}/html">'
        "</iframe>"
        if shown.html
        else ""
    )
    return _page(
        shown.subject or "(no subject)",
        f"<table>{heads}</table>{frame}<h2>Text</h2><pre>{escape(shown.text)}</pre>"
        f"<h2>As received</h2><details><summary>Show</summary><pre>{escape(shown.raw)}</pre>"
        "</details>",
    )


def hook(name: str, received: Sequence["ReceivedHook"], answer: int) -> str:
    rows = "".join(_hook_row(one) for one in reversed(received[-SHOWN_MAX:]))
    return _page(
        f"Hook {name}",
        f"<p>{_answer(answer)} {_switch(name, answer)}</p>"
        "<table><tr><th>arrived (UTC)</th><th>webhook-id</th><th>signature</th><th>answered</th>"
        f"<th>body</th></tr>{rows}</table>",
    )


def _mail_list(mails: Sequence["ReceivedMail"]) -> str:
    if not mails:
        return '<p class="soft">None yet.</p>'
    rows = "".join(
        f"<tr><td>{_time(one.received_at)}</td><td>{escape(', '.join(one.recipients))}</td>"
        f'<td><a href="/mails/{one.number}">{escape(one.subject or "(no subject)")}</a></td></tr>'
        for one in reversed(mails[-SHOWN_MAX:])
    )
    return f"<table><tr><th>arrived (UTC)</th><th>to</th><th>subject</th></tr>{rows}</table>"


def _hook_list(hooks: Sequence["ReceivedHook"], answers: Mapping[str, int]) -> str:
    if not answers:
        return '<p class="soft">None yet.</p>'
    latest = {one.name: one.number for one in hooks}
    rows = "".join(
        _hook_summary(name, answer, [one for one in hooks if one.name == name])
        for name, answer in sorted(answers.items(), key=lambda hook: -latest.get(hook[0], 0))
    )
    return (
        "<table><tr><th>hook</th><th>answers</th><th>arrived</th><th>last (UTC)</th><th></th></tr>"
        f"{rows}</table>"
    )


def _hook_summary(name: str, answer: int, received: Sequence["ReceivedHook"]) -> str:
    last = "".join(f"{_time(one.received_at)} {VERIFIED[one.verified]}" for one in received[-1:])
    return (
        f'<tr><td><a href="/hooks/{escape(name)}">{escape(name)}</a></td><td>{_answer(answer)}</td>'
        f"<td>{len(received)}</td><td>{last}</td><td>{_switch(name, answer)}</td></tr>"
    )


def _hook_row(one: "ReceivedHook") -> str:
    return (
        f"<tr><td>{_time(one.received_at)}</td><td>{escape(one.webhook_id)}</td>"
        f"<td>{VERIFIED[one.verified]}</td><td>{_answer(one.answered)}</td>"
        f"<td><details><summary>{len(one.body)} characters</summary>"
        f"<pre>{escape(_pretty(one.body))}</pre></details></td></tr>"
    )


def _switch(name: str, answer: int) -> str:
    status, label = (500, "Break it") if answer == 200 else (200, "Repair it")
    return (
        f'<form method="post" action="/hooks/{escape(name)}/answer">'
        f'<button name="status" value="{status}">{label}</button></form>'
    )


def _answer(status: int) -> str:
    kind = "good" if status == 200 else "bad"
    return f'<span class="{kind}">{status}</span>'


def _time(iso: str) -> str:
    return f'<time datetime="{iso}" title="{iso}">{iso[11:19]}</time>'


def _pretty(body: str) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body


def _page(title: str, content: str, *, refresh: bool = False) -> str:
    again = '<meta http-equiv="refresh" content="5">' if refresh else ""
    home = "" if refresh else '<p><a href="/">← everything that arrived</a></p>'
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{again}'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body>{home}<h1>{escape(title)}</h1>{content}</body></html>"
    )
