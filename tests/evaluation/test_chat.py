"""A chat API that behaves badly: every verdict is paid once, the key goes to one address, and nothing secret is written."""

from __future__ import annotations

import logging
import random
import time
import traceback
from dataclasses import replace
from functools import partial

import pytest
from evaluation.factories import asked
from evaluation.stand_in_judge import BEHAVIOURS, REDIRECTING, Handler, StandIn, completion, serving

from repalign.errors import RepalignError
from repalign.evaluation.chat import ChatApi
from repalign.evaluation.chat_requests import Limits
from repalign.evaluation.judges import JudgeFailed, find_judge, guarded
from repalign.evaluation.wins import win_rates

KEY = "sk-SECRET-abcdef123456"
LIMITS = Limits(connect=2, read=0.15, request=1, lost=150, size=50_000)


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REPALIGN_JUDGE_KEY", KEY)


@pytest.fixture
def pauses(monkeypatch) -> list[float]:
    """Pauses instead of waiting; the clock advances by them."""
    waited: list[float] = []
    quick = partial(
        ChatApi,
        limits=LIMITS,
        sleep=waited.append,
        clock=lambda: time.monotonic() + sum(waited),
        jitter=lambda: 0,
    )
    monkeypatch.setattr("repalign.evaluation.chat.ChatApi", quick)
    return waited


def ask(url: str, **options) -> str:
    return ChatApi(url, "m", limits=LIMITS, sleep=lambda seconds: None, **options)("question")


@pytest.mark.parametrize("seed", range(4))
def test_every_verdict_is_paid_once_however_the_service_behaves(seed, pauses):
    draw = random.Random(seed)
    behaviours = [*draw.choices(BEHAVIOURS, k=40), REDIRECTING]
    items = {lang: asked(lang, [f"{lang}{row}" for row in range(6)]) for lang in ("en", "zh")}
    first = {lang: [f"first {row}" for row in range(6)] for lang in items}
    second = {lang: [f"second {row}" for row in range(6)] for lang in items}
    with serving(StandIn()) as other, serving(StandIn(behaviours, lambda prompt: draw.choice("AB"))) as api:
        api.elsewhere, failures = other.url, []
        for _ in range(len(behaviours)):
            try:
                wins = win_rates(items, first, second, guarded(find_judge("chat:m", api.url)))
                break
            except JudgeFailed as failed:
                failures.append(str(failed))
        requests = len(api.requests)
        again = win_rates(items, first, second, guarded(find_judge("chat:m", api.url)))
    assert wins.equals(again)
    assert len(api.requests) == requests
    assert len(api.replied) == 2 * 2 * 6
    assert set(api.replied.values()) == {1}
    assert {headers["Authorization"] for _, headers in api.requests} == {f"Bearer {KEY}"}
    assert not other.requests
    assert all("redirects to" in one or "attempts" in one or "minutes" in one for one in failures), failures
    assert not any(KEY in one or "\n" in one for one in failures)


def test_a_service_that_never_answers_is_given_up(pauses, caplog):
    """By attempts, and by what failures cost in a run, whichever comes first."""
    caplog.set_level("WARNING", logger="repalign")
    with serving(StandIn(["broken"] * 99)) as api:
        with pytest.raises(
            RepalignError, match="answers 500 Internal Server Error, as the last of 6 attempts"
        ) as failed:
            find_judge("chat:m", api.url)(*asked("en", ["x"]), "x", "y")
        assert "run again to ask for the others" in str(failed.value)
        assert pauses == [1, 2, 4, 8, 16]
        assert [one.getMessage() for one in caplog.records] == [
            "the judge answers 500 Internal Server Error; asking again in 8 seconds",
            "the judge answers 500 Internal Server Error; asking again in 16 seconds",
        ]
        pauses.clear()
        api.behaviours = [(429, {"Retry-After": "60"}, b"")] * 99
        with pytest.raises(
            RepalignError, match=r"answers 429 Too Many Requests, and failures have cost 2\.5 minutes"
        ):
            find_judge("chat:m", api.url)(*asked("en", ["x"]), "x", "y")
        assert pauses == [60, 60]


@pytest.mark.parametrize(
    ("given", "pause"),
    [("0", 0), ("7", 7), ("9" * 5000, 300), ("Wed, 01 Jan 2020 00:00:00 GMT", 0), ("Fri, 01 Jan 2100 00:00:00 GMT", 300),
     ("soon", 1), ("-5", 1), ("nan", 1), ("Fri, 99 Jan 99999 00:00:00 GMT", 1)],
)  # fmt: skip
def test_retry_after(given, pause):
    waited: list[float] = []
    with serving(StandIn([(429, {"Retry-After": given}, b"")])) as api:
        ChatApi(api.url, "m", sleep=waited.append, jitter=lambda: 0)("question")
    assert waited == [pause]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 304])
def test_a_refusal_is_final(status):
    with serving(StandIn([(status, {}, b'{"error": "no such model"}')])) as api:
        with pytest.raises(RepalignError, match=f"answers {status} ") as failed:
            ask(api.url)
        assert len(api.requests) == 1
    assert ("no such model" in str(failed.value)) == (status in (400, 404, 422))


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 40_000, b'{"choices": ' + b"[" * 40_000, b"9" * 5000, b"[1e999]", b"\xff", b"null", b"[]", b'"A"',
        b'{"choices": {"0": 1}}', b'{"choices": [3]}', b'{"choices": [{"message": "A"}]}',
        completion(None), completion(3), completion(["A"]), completion("A" * 49_000 + "\ud800")[:-1],
        b'{"choices": [{"message": {"content": "A", "content": "B"}}]}',
    ],
)  # fmt: skip
def test_a_response_of_another_form_is_asked_again(body):
    with serving(StandIn([(200, {}, body)])) as api:
        assert ask(api.url) == "A"
        assert len(api.requests) == 2


def test_a_service_that_declines_has_no_verdict():
    refusals = [
        b'{"choices": [{"message": {"content": null, "refusal": "Not A or B"}}]}',
        b'{"choices": [{"finish_reason": "content_filter", "message": {"content": null}}]}',
    ]
    with serving(StandIn([(200, {}, body) for body in refusals])) as api:
        assert [ask(api.url), ask(api.url)] == ["", ""]


def test_a_response_that_trickles_ends_in_time(monkeypatch):
    """Neither the pauses between its bytes nor their number reach a limit, only all of it together."""

    def trickle(handler):
        handler.rfile.read(int(handler.headers["Content-Length"]))
        for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000:
            handler.wfile.write(bytes([byte]))
            time.sleep(0.05)

    monkeypatch.setattr(Handler, "do_POST", trickle)
    limits = Limits(read=0.2, request=0.3, attempts=1)
    with serving(StandIn()) as api:
        began = time.monotonic()
        with pytest.raises(RepalignError, match="did not answer in time"):
            ChatApi(api.url, "m", limits=limits)("question")
        assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("file:///etc/passwd", "got one of file:"),
        ("ftp://host/v1", "got one of ftp:"),
        ("data:,{}", "got one of data:"),
        ("localhost/v1", "one without http:// or https://"),
        ("me:pw@host/v1", "one without http:// or https://"),
        ("http:///v1", "without a host"),
        ("http://", "without a host"),
        ("http://host:port/v1", "not valid"),
        ("http://ho\nst/v1", "not valid"),
        ("", "one without http:// or https://"),
        (KEY, "one without http:// or https://"),
        ("https://me:pw-SECRET@host/v1", "has a user, and $REPALIGN_JUDGE_KEY is set"),
    ],
)
def test_addresses_that_are_refused(url, line):
    with pytest.raises(RepalignError) as refused:
        find_judge("chat:m", url)
    assert line in str(refused.value)
    assert "SECRET" not in str(refused.value)
    assert "pw" not in str(refused.value)


def test_a_key_is_stripped_and_one_that_no_header_carries_is_refused(monkeypatch):
    monkeypatch.setenv("REPALIGN_JUDGE_KEY", f" {KEY}\r\n")
    with serving(StandIn()) as api:
        ask(api.url)
        assert api.requests[0][1]["Authorization"] == f"Bearer {KEY}"
        for broken in (f"{KEY}\nX: y", f"{KEY} {KEY}", f"{KEY}é", f"{KEY}\0"[:-1] + "\x07"):
            monkeypatch.setenv("REPALIGN_JUDGE_KEY", broken)
            with pytest.raises(RepalignError, match="no header can carry") as refused:
                find_judge("chat:m", api.url)
            assert "SECRET" not in str(refused.value)


def test_user_and_query_are_sent_and_never_shown(monkeypatch, caplog):
    monkeypatch.delenv("REPALIGN_JUDGE_KEY")
    caplog.set_level(logging.DEBUG)
    with serving(
        StandIn(["good", (400, {}, b"what is query-SECRET?"), (302, {"Location": "/pw-SECRET"}, b"")])
    ) as api:
        url = api.url.replace("http://", "http://me:pw-SECRET@") + "?key=query-SECRET"
        assert ask(url) == "A"
        path, headers = api.requests[0]
        assert path.endswith("?key=query-SECRET")
        assert headers["Authorization"] == "Basic bWU6cHctU0VDUkVU"
        for _ in range(2):
            with pytest.raises(RepalignError) as failed:
                ask(url)
            assert "SECRET" not in str(failed.value)
            assert api.url in str(failed.value)
    with pytest.raises(RepalignError, match="cannot be reached") as failed:
        ask(url)
    assert "SECRET" not in str(failed.value)
    # At DEBUG httpcore logs what a service sends, and so the address of its redirect.
    logged = [one.getMessage() for one in caplog.records if not one.name.startswith("httpcore")]
    assert not any("SECRET" in line for line in logged), logged
    assert "SECRET" not in repr(vars(ChatApi(url, "m")))


def test_the_key_is_in_no_traceback():
    """REPALIGN_DEBUG prints the chain of exceptions."""
    query = "query-SECRET"
    with serving(StandIn([(401, {}, f"wrong key {KEY}".encode()), (200, {}, KEY.encode())])) as api:
        for _ in range(2):
            with pytest.raises(RepalignError) as failed:
                ChatApi(f"{api.url}?x={query}", "m", limits=replace(LIMITS, attempts=1))("question")
            shown = "".join(traceback.format_exception(failed.value))
            assert KEY not in shown
            assert query not in shown
