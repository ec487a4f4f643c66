"""Judges: order, verdicts, a chat API."""

from __future__ import annotations

import pytest
from evaluation.factories import asked

from repalign.errors import RepalignError
from repalign.evaluation.judges import chat_judge, find_judge, verdict
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
    import json
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Api(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            said = "B" if body["model"] == "m" and self.headers["Authorization"] == "Bearer k" else "?"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"choices": [{"message": {"content": said}}]}).encode())

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("REPALIGN_JUDGE_KEY", "k")
    url = f"http://127.0.0.1:{server.server_port}/v1/chat/completions"
    (item,) = asked("en", ["x"])
    assert find_judge("chat:m", url)(item, "x", "y") == -1
    server.shutdown()
    server.server_close()
    for address, complaint in ((url, "cannot be reached"), ("localhost/v1", "unknown url type")):
        with pytest.raises(RepalignError, match=complaint):
            find_judge("chat:m", address)(item, "x", "y")


def test_unknown_judge():
    with pytest.raises(RepalignError, match="no judge named 'exat'; did you mean 'exact'"):
        find_judge("exat")
