"""Judges: order, verdicts, a chat API."""

from __future__ import annotations

import pytest
from evaluation.factories import asked
from evaluation.stand_in_judge import StandIn, serving

from repalign.errors import RepalignError
from repalign.evaluation.judges import JudgeFailed, chat_judge, find_judge, guarded, verdict
from repalign.evaluation.wins import win_rates


def test_a_judge_that_looks_at_order_only_makes_ties():
    items = {"en": asked("en", ["a1"] * 8)}
    row = win_rates(items, {"en": ["x"] * 8}, {"en": ["y"] * 8}, lambda item, a, b: 1).iloc[0]
    assert (row["wins"], row["ties"], row["losses"]) == (0, 8, 0)
    assert (row["position_biased"], row["first_place"], row["p"]) == (1, 1, 1)
    assert row["low"] < row["value"] == 0.5 < row["high"]


def test_a_chat_judge_sees_both_orders_and_may_be_unclear():
    seen = []

    def send(prompt: str) -> str:
        seen.append(prompt)
        if "long" in prompt:
            return "Both have merits: A or B?"
        return "A" if prompt.index("good{x}") < prompt.index("bad") else "**B** is better."

    items = {"en": asked("en", ["right", "right"])}
    row = win_rates(
        items, {"en": ["bad", "bad"]}, {"en": ["good{x}", "long good{x}"]}, chat_judge(send)
    ).iloc[0]
    assert len(seen) == 4
    assert (row["wins"], row["ties"], row["losses"], row["unclear"]) == (1, 1, 0, 0.5)


@pytest.mark.parametrize(
    ("reply", "meant"),
    [("A", 1), ("b", None), ("Answer B.", -1), ("A tie.", 0), ("TIE", 0), ("?", None), ("A, not B", None)],
)
def test_verdicts(reply, meant):
    assert verdict(reply) == meant


def test_chat_api_in_its_usual_form(monkeypatch):
    monkeypatch.setenv("REPALIGN_JUDGE_KEY", "k")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (item,) = asked("en", ["x"])
    with serving(StandIn(reply=lambda prompt: "B")) as api:
        assert find_judge("chat:m", api.url)(item, "x", "y") == -1
        ((path, headers),) = api.requests
        assert (path, headers["Authorization"]) == ("/v1/chat/completions", "Bearer k")


def test_verdicts_are_stored_by_model_and_address_if_wanted(home, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (item,) = asked("en", ["x"])
    with serving(StandIn(reply=lambda prompt: "neither")) as api:
        for store, requests in ((True, 1), (True, 1), (False, 2), (False, 3), (True, 3)):
            assert find_judge("chat:m", api.url, store)(item, "x", "y") is None
            assert len(api.requests) == requests
        find_judge("chat:other", api.url)(item, "x", "y")
        find_judge("chat:m", f"{api.url}/other")(item, "x", "y")
        assert len(api.requests) == 5
        find_judge("chat:m", f"{api.url}?key=another")(item, "x", "y")
        assert len(api.requests) == 5
    assert len(list((home / "verdicts").glob("*.jsonl"))) == 3


@pytest.mark.parametrize("outcome", ["A", 2, [1], 0.5])
def test_a_custom_judge_that_returns_something_else(outcome):
    (item,) = asked("en", ["x"])
    with pytest.raises(JudgeFailed, match="expected 1, 0, -1 or None"):
        guarded(lambda item, first, second: outcome)(item, "x", "y")


def test_unknown_judge():
    with pytest.raises(RepalignError, match="no judge named 'exat'; did you mean 'exact'"):
        find_judge("exat")
    with pytest.raises(RepalignError, match="no judge named 'chat:'"):
        find_judge("chat:")
