"""An HTTP proxy in front of a server, which answers slowly, with errors, cut short or damaged as a test decides."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

Fault = Literal["none", "slow", "500", "503", "cut", "cut after", "damaged", "quotes"]
"""What happens to a request: "cut" ends the connection in the middle of its body, or else of that of the answer; "cut after"
answers nothing although the server did what it was asked, "damaged" changes a byte and leaves out the checksum by which the
client would notice, "quotes" is an error that quotes what authorised the request."""

ERROR = b'<?xml version="1.0"?><Error><Code>InternalError</Code><Message>We encountered an error.</Message></Error>'


QUOTED = "quoted-by-the-server"
"""A secret in the address that the fault "quotes" quotes."""


class FaultyProxy(ThreadingHTTPServer):
    """Passes requests on to a server of this machine.

    Attributes:
        fault: decides by method and path.
        seen: the requests that arrived, as "METHOD path".
    """

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = port
        self.fault: Callable[[str, str], Fault] = lambda method, path: "none"
        self.seen: list[str] = []
        self.counting = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def count(self, method: str, ending: str) -> int:
        """Requests whose path ends so."""
        return sum(one.startswith(f"{method} ") and one.endswith(ending) for one in self.seen)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyProxy

    def answer(self) -> None:
        path = self.path.partition("?")[0]
        with self.server.counting:
            self.server.seen.append(f"{self.command} {path}")
            fault = self.server.fault(self.command, path)
        length = int(self.headers.get("Content-Length") or 0)
        if fault == "cut" and length:
            self.rfile.read(length // 2)
            return self._end()
        body = self.rfile.read(length)
        if fault in ("500", "503"):
            return self._send(int(fault), {"Content-Type": "application/xml"}, ERROR)
        if fault == "quotes":
            quoted = f"{self.headers['Authorization']} at http://me:{QUOTED}@host/?X-Amz-Signature={QUOTED}".encode()
            return self._send(
                403, {"Content-Type": "application/xml"}, ERROR.replace(b"We encountered an error.", quoted)
            )
        if fault == "slow":
            time.sleep(0.3)
        behind = http.client.HTTPConnection("127.0.0.1", self.server.behind)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
        behind.request(self.command, self.path, body, headers)
        response = behind.getresponse()
        data = response.read()
        behind.close()
        if fault == "cut after":
            return self._end()
        if fault == "damaged" and data:
            data = bytes([data[0] ^ 1]) + data[1:]
        dropped = ("transfer-encoding", "connection", *(["x-amz-checksum"] if fault == "damaged" else []))
        kept = {name: value for name, value in response.getheaders() if not name.lower().startswith(dropped)}
        if self.command != "HEAD":
            kept["Content-Length"] = str(len(data))
        self._send(response.status, kept, data[: len(data) // 2] if fault == "cut" else data)
        if fault == "cut":
            self._end()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _end(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(2)

    def log_message(self, *args: object) -> None:
        """Nothing: pytest shows what fails."""


@contextmanager
def faulty_proxy(port: int) -> Iterator[FaultyProxy]:
    """A proxy in front of a port of this machine, in a thread."""
    proxy = FaultyProxy(port)
    thread = threading.Thread(target=proxy.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()
