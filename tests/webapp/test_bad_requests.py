"""What no page of ours sends: refused with a sentence, never with a fault of ours, and not one row is another one."""

import gzip
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sites import LEASE
from sitting_laws import without
from sitting_places import WHOLE, Sat, sat_down
from werkzeug.test import TestResponse

SAVE = {"key": "a-save-of-mine", "base_revision": 1, "lease": LEASE, "draft": {**WHOLE, "selected": ["3"]}}
TAKE = {"lease": LEASE, "take": False}
BEAT = {
    "page": "a-load-of-it",
    "lease": LEASE,
    "load_ms": 1,
    "visible_ms": 1,
    "active_ms": 0,
    "hidden_count": 0,
}
SENT: Mapping[str, Mapping[str, Any]] = {"saves": SAVE, "lease": TAKE, "beat": BEAT}
FORM = {"key": "a-form-of-mine", "base_revision": "1", "lease": LEASE, "selected": "2"}
SIGNED = {
    "": FORM,
    "/submit": {"key": "a-form-of-mine", "base_revision": "1", "lease": LEASE},
    "/begin": {"lease": LEASE},
    "/problem": {"text": "Two options are the same."},
}
NESTED = "[" * 2000 + "]" * 2000
STRANGE = {
    "null": "null",
    "yes": "true",
    "a half": "0.5",
    "minus one": "-1",
    "not a number": "NaN",
    "endless": "1e999",
    "past 64 bits": str(2**64),
    "past what Python reads": "9" * 5000,
    "a word": '"word"',
    "no word": '""',
    "NUL": '"so\\u0000so so"',
    "half a character": '"\\ud800 \\udfff\\ud800"',
    "a long word": json.dumps("x" * 70_000),
    "a list": "[]",
    "a list of what is no word": '[null, 1, {"a": []}]',
    "an object": '{"a": 1}',
    "nested": NESTED,
}


@pytest.fixture
def sat(site_on_both) -> Sat:
    """One save was kept: there is something that could be changed."""
    found = sat_down(site_on_both)
    assert found.save(1).status_code == 200
    return found


def refused(sat: Sat, ask: Callable[[], TestResponse], name: object) -> None:
    """A 4xx with a sentence, and everything as it was."""
    before = sat.stands()
    answer = ask()
    assert 400 <= answer.status_code < 500, (name, answer.status_code, answer.text[:200])
    said = answer.json["error"] if answer.is_json else answer.text
    assert said, name
    assert sat.stands() == before, name


@pytest.mark.parametrize("address", SENT)
def test_what_a_page_of_ours_sends_is_taken(sat, address):
    """Or everything below would be refused for another reason. Of a field that is named twice the last one counts."""
    assert sat.raw(address, dumped(SENT[address])).status_code == 200
    twice = dumped(SENT[address]).replace(b"{", b'{"lease": "another-page", "key": "another-key", ', 1)
    assert sat.raw(address, twice).status_code == 200
    assert sat.is_whole(2 if address == "saves" else 1)


@pytest.mark.parametrize("address", SENT)
def test_json_that_is_cut_short_or_none_at_all_is_refused(sat, address):
    whole = json.dumps(SENT[address]).encode()
    bodies = [whole[:cut] for cut in range(0, len(whole), 5)]
    bodies += [b"\xff\xfe\x00", b"\x00" * 9, b"{'key': 1}", gzip.compress(whole), whole + b"}", b"[" * 90_000]
    bodies += [b'"a word"', b"7", b"null", b"[]", whole.decode().encode("utf-16")[3:]]
    for body in bodies:
        refused(sat, lambda body=body: sat.raw(address, body), body[:80])


@pytest.mark.parametrize("address", SENT)
def test_a_field_that_is_not_what_it_should_be_is_refused(sat, address):
    sent = SENT[address]
    fields = [(name,) for name in sent] + [("draft", name) for name in sent.get("draft", ())]
    for path in fields:
        for kind, literal in STRANGE.items():
            if is_one(path, kind):
                continue
            body = json.dumps(with_mark(sent, path)).replace('"here it stands"', literal).encode()
            refused(sat, lambda body=body: sat.raw(address, body), (path, kind))


def with_mark(sent: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    first, *rest = path
    return {**sent, first: with_mark(sent[first], tuple(rest)) if rest else "here it stands"}


def is_one(path: tuple[str, ...], kind: str) -> bool:
    """Whether this strange thing is just what the field may be."""
    may = {
        "take": {"yes"},
        "rationale": {"a word", "no word", "NUL", "half a character", "a long word"},
        "confidence": {"null"},
        "nothing_to_recommend": set(),
        "selected": {"a list"},
        "resources": {"a list"},
    }
    return kind in may.get(path[-1], set())


@pytest.mark.parametrize("address", SENT)
def test_what_is_left_out_or_added_is_refused(sat, address):
    sent = SENT[address]
    for name in [name for name in sent if name != "take"]:
        refused(sat, lambda name=name: sat.raw(address, dumped({k: v for k, v in sent.items() if k != name})), name)
    if "draft" in sent:
        more = {**sent, "draft": {**sent["draft"], "score": 9}}
        refused(sat, lambda: sat.raw(address, dumped(more)), "score")


def dumped(sent: Mapping[str, Any]) -> bytes:
    return json.dumps(sent).encode()


@pytest.mark.parametrize("address", SENT)
def test_more_than_two_megabytes_are_refused_before_they_are_read(sat, address):
    huge = dumped({**SENT[address], "draft": {**WHOLE, "rationale": "x" * (2 * 1024 * 1024)}})
    refused(sat, lambda: sat.raw(address, huge), "huge")
    assert sat.raw(address, huge).status_code == 413


@pytest.mark.parametrize("address", SENT)
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_json_under_another_name_is_refused(sat, address, content_type):
    refused(sat, lambda: sat.raw(address, dumped(SENT[address]), content_type), content_type)


@pytest.mark.parametrize("page", SIGNED)
def test_a_form_with_a_field_that_is_not_what_it_should_be_changes_nothing(sat, page):
    """Where it is refused by going back to what stands, that is a redirection."""
    changed = {
        "key": ["", "short", "x" * 65, "so\x00so so", "späte Antwort"],
        "base_revision": ["", "x", "-1", "1.5", str(2**80), "9" * 5000, "\x00"],
        "lease": ["short", "x" * 65, "a lease of mine", "so\x00so so", "\ud800".encode("utf-8", "replace")],
        "selected": ["foreign", "\x00", "x" * 70_000],
        "text": ["", "so\x00so", "x" * 2001],
    }
    for name, values in changed.items():
        if name not in SIGNED[page] or (page == "/begin" and name == "key"):
            continue
        for value in values:
            before = sat.stands()
            sent = {"csrf_token": sat.token, **SIGNED[page], name: value}
            answer = sat.visitor.client.post(f"{sat.path}{page}", data=sent)
            assert answer.status_code == 303 or 400 <= answer.status_code < 500, (name, value[:40], answer.status_code)
            assert sat.stands() == before, (name, value[:40])


@pytest.mark.parametrize("token", ["", "x" * 90, "eve's"])
def test_a_token_that_is_nobodys_or_somebody_elses_is_refused(sat, token):
    eve = sat.site.joined("demo", "eve@example.org")
    eve.get("/help")
    foreign = eve.hidden["csrf_token"] if token == "eve's" else token
    client = sat.visitor.client
    for page, form in SIGNED.items():
        refused(sat, lambda p=page, f=form: client.post(f"{sat.path}{p}", data={**f, "csrf_token": foreign}), page)
    for address, sent in SENT.items():
        headers = {"X-CSRFToken": foreign}
        refused(sat, lambda a=address, s=sent, h=headers: client.post(f"{sat.path}/{a}", json=s, headers=h), address)


def test_no_other_method_changes_anything(sat):
    before = sat.stands()
    client, headers = sat.visitor.client, {"X-CSRFToken": sat.token}
    for address in ("", "/begin", "/saves", "/lease", "/beat", "/clock", "/review", "/submit", "/problem"):
        for method in ("PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"):
            answer = client.open(f"{sat.path}{address}", method=method, json=SAVE, headers=headers)
            assert answer.status_code in (405, 501), (address, method, answer.status_code)
        for method in ("HEAD", "OPTIONS"):
            assert client.open(f"{sat.path}{address}", method=method).status_code < 500
    assert sat.stands() == before


@pytest.mark.parametrize(
    "reading", ["x", "%00", "0" * 36, "00000000-0000-0000-0000-000000000000", "..%2f..", "%ED%A0%80", "é" * 200]
)
def test_what_is_no_reading_is_not_there(sat, reading):
    headers = {"X-CSRFToken": sat.token}
    client = sat.visitor.client
    for address, sent in SENT.items():
        path = f"/readings/{reading}/{address}"
        refused(sat, lambda p=path, s=sent: client.post(p, json=s, headers=headers), path)
        assert client.post(path, json=sent, headers=headers).status_code == 404


def test_nothing_is_taken_before_begin(sat):
    """The second case: the first one is still open, so it cannot even be begun."""
    rows = sat.stands()["reading"]
    second = next(row["id"] for row in rows if row["position"] == 2)
    later = Sat(sat.site, sat.visitor, second, sat.token)
    for address, sent in SENT.items():
        refused(later, lambda a=address, s=sent: later.raw(a, dumped({**s, "base_revision": 0})), address)
    for page, form in SIGNED.items():
        if page in ("", "/submit", "/begin"):
            sent = {"csrf_token": sat.token, **form, "base_revision": "0"}
            refused(later, lambda p=page, s=sent: sat.visitor.client.post(f"{later.path}{p}", data=s), page)


def test_saves_that_come_again_in_another_order_say_what_they_said(sat):
    said = {number: sat.save(number).json for number in (1, 2, 3, 4)}
    before = sat.stands()
    for number in (3, 1, 4, 2, 1):
        answer = sat.save(number)
        assert (answer.status_code, answer.json) == (200, {**answer.json, **told(said[number])})
    assert sat.stands() == before


def told(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {name: answer[name] for name in ("revision", "saved_at", "deadline_ms")}


def test_after_the_end_every_request_comes_again_without_a_trace_and_what_is_new_is_kept_apart(sat):
    submit = {"csrf_token": sat.token, **SIGNED["/submit"]}
    client = sat.visitor.client
    assert client.post(f"{sat.path}/submit", data=submit).status_code == 303
    before = sat.stands()
    assert sorted(row["state"] for row in before["reading"])[-1] == "submitted"
    assert sat.save(1).status_code == 200
    assert client.post(f"{sat.path}/submit", data=submit).status_code == 303
    assert client.post(f"{sat.path}/begin", data={"csrf_token": sat.token}).status_code == 303
    assert [sat.send(address, SENT[address]).status_code for address in ("lease", "beat")] == [410, 410]
    assert sat.stands() == before
    for _ in range(2):
        assert sat.send("saves", SAVE).status_code == 410
    after = sat.stands()
    assert [row["key"] for row in after["late_payload"]] == [SAVE["key"]]
    assert {name for name in after if after[name] != before[name]} == {"late_payload", "event", "reading"}
    beside = {"event_count", "head", "latest_at_us"}
    assert [without(row, beside) for row in after["reading"]] == [without(row, beside) for row in before["reading"]]
