"""A judge's API on this machine that behaves well or badly, as a test asks."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

SLOW = 0.3
"""Seconds that a slow reply takes."""

REDIRECTING = "redirect"
BEHAVIOURS = (
    "good",
    "busy",
    "busy until",
    "broken",
    "slow",
    "cut",
    "hung up",
    "prose",
    "other",
    "empty",
    "huge",
    REDIRECTING,
)


class StandIn(ThreadingHTTPServer):
    """Serves one behaviour per request, in order, then good ones.

    Attributes:
        behaviours: names in `BEHAVIOURS`, or (status, headers, body).
        requests: (path, headers) of all requests.
        replied: prompt -> good replies sent.
        elsewhere: where redirects point to.
    """

    daemon_threads = True

    def __init__(
        self, behaviours: Iterable[Any] = (), reply: Callable[[str], str] = lambda prompt: "A"
    ) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviours, self.reply = list(behaviours), reply
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.replied: Counter[str] = Counter()
        self.elsewhere = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1/chat/completions"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that no longer listens is expected."""


@contextmanager
def serving(server: StandIn) -> Iterator[StandIn]:
    thread = Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def completion(text: object) -> bytes:
    return json.dumps({"choices": [{"message": {"content": text}}]}).encode()


class Handler(BaseHTTPRequestHandler):
    server: StandIn

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = body["messages"][0]["content"]
        server = self.server
        server.requests.append((self.path, dict(self.headers)))
        behaviour = server.behaviours.pop(0) if server.behaviours else "good"
        if isinstance(behaviour, tuple):
            return self.answer(*behaviour)
        good = completion(server.reply(prompt))
        if behaviour == "good":
            self.answer(200, {}, good)
            server.replied[prompt] += 1
        elif behaviour == "slow":
            time.sleep(SLOW)
            self.answer(200, {}, good)
        elif behaviour == "cut":
            self.answer(200, {}, good[:-9], length=len(good))
        elif behaviour != "hung up":
            self.answer(*self.bad(behaviour, good))

    do_GET = do_POST  # a redirect may turn one into the other

    def bad(self, behaviour: str, good: bytes) -> tuple[int, dict[str, str], bytes]:
        return {
            "busy": (429, {"Retry-After": "20"}, b"slow down"),
            "busy until": (503, {"Retry-After": formatdate(time.time() + 20, usegmt=True)}, b""),
            "broken": (500, {}, b"<h1>sorry</h1>"),
            "prose": (200, {}, b"A"),
            "other": (200, {}, b'{"choices": []}'),
            "empty": (200, {}, b""),
            "huge": (200, {}, b" " * 100_000 + good),
            REDIRECTING: (307, {"Location": self.server.elsewhere}, b""),
        }[behaviour]

    def answer(self, status: int, headers: dict[str, str], body: bytes, length: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass
