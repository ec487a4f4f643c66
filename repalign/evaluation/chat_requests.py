"""Requests to a chat API: where they go, with which key, and how long they may take. No redirect is followed."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from repalign.errors import RepalignError
from repalign.privacy import JUDGE_KEY, without_secrets

if TYPE_CHECKING:
    import ssl

    import httpx

T = TypeVar("T")

EXPECTED = "--judge-url takes an address such as https://api.openai.com/v1/chat/completions"


@dataclass(frozen=True)
class Limits:
    """How long a chat API is waited for, in seconds.

    Attributes:
        connect, read: for a connection, and for the next part of a response.
        request: for one request, from the connection to the last byte.
        attempts: requests for one prompt.
        pause: between two of them, at most.
        lost: failed requests and pauses of one evaluation, all together.
        size: bytes of a response.
    """

    connect: float = 10.0
    read: float = 60.0
    request: float = 120.0
    attempts: int = 6
    pause: float = 300.0
    lost: float = 1800.0
    size: int = 1 << 20


class Failed(Exception):
    """A request without a usable reply.

    Attributes:
        reason: what the service did, without secrets.
        pause: seconds after which it asks to try again; None if it does not say.
        final: whether trying again is useless.
    """

    def __init__(self, reason: str, pause: float | None = None, final: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.pause, self.final = reason, pause, final


@dataclass(frozen=True)
class Address:
    """Where requests go.

    Attributes:
        shown: the URL as messages and stores have it: without user, query and fragment.
        url: without user and fragment.
        authorization: value of that header, or None.
        secrets: texts of which none may be quoted.
    """

    shown: str
    url: httpx.URL = field(repr=False)
    authorization: str | None = field(repr=False)
    secrets: frozenset[str] = field(repr=False)

    @classmethod
    def of(cls, text: str) -> Address:
        """The address of a URL, with the key of the environment or the user of the URL.

        Raises:
            RepalignError: not a URL of http or https; a key that no header can carry; both a key and a user.
        """
        import httpx

        try:
            given = httpx.URL(text.strip())
        except httpx.InvalidURL:
            raise RepalignError(f"{EXPECTED}, got one that is not valid") from None
        if given.scheme not in ("http", "https"):
            # Quoted only where it is a scheme: "key:..." may be a user or a key.
            named = text.strip().lower().startswith((f"{given.scheme}://", "data:", "file:"))
            got = f"one of {given.scheme}:" if named else "one without http:// or https://"
            raise RepalignError(f"{EXPECTED}, got {got}")
        if not given.host:
            raise RepalignError(f"{EXPECTED}, got one without a host")
        key, user = _key(), given.userinfo.decode()
        if key and user:
            raise RepalignError(f"--judge-url has a user, and ${JUDGE_KEY} is set; give one of them")
        url = given.copy_with(userinfo=b"", fragment=None)
        bearer = f"Bearer {key}" if key else None
        in_query = (value or name for name, value in given.params.multi_items())
        secrets = {key, user, given.username, given.password or "", given.query.decode(), *in_query}
        return cls(
            shown=without_secrets(str(url.copy_with(query=None))),
            url=url,
            authorization=_basic(given.username, given.password) if user else bearer,
            secrets=frozenset(secrets - {""}),
        )

    def quotable(self, text: str) -> bool:
        """Whether a text holds none of the secrets."""
        return not any(secret in text for secret in self.secrets)


def _key() -> str:
    key = os.environ.get(JUDGE_KEY, "").strip()
    if re.search(r"[^!-~]", key):
        raise RepalignError(
            f"${JUDGE_KEY} holds a space, a line break or a character outside ASCII, which no header can carry; "
            "set it to the key alone"
        )
    return key


def _basic(user: str, password: str) -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


@dataclass(frozen=True)
class Response:
    """A response that came completely.

    Attributes:
        status: its number.
        headers: names in any case.
        body: at most `Limits.size` bytes.
    """

    status: int
    headers: httpx.Headers
    body: bytes


def post(address: Address, message: dict[str, Any], limits: Limits) -> Response:
    """Send one JSON message.

    Raises:
        Failed: no connection, no complete response in time, or one that is too long.
    """
    import httpx

    try:
        return _in_thread(lambda: asyncio.wait_for(_post(address, message, limits), limits.request))
    except (asyncio.TimeoutError, httpx.TimeoutException):
        allowed = (
            f"{limits.connect:g} s to connect, {limits.read:g} s for each part, {limits.request:g} s in all"
        )
        raise Failed(f"did not answer in time ({allowed})") from None
    except (httpx.RequestError, OSError) as error:
        what = "cannot be reached" if isinstance(error, httpx.ConnectError) else "gave no complete response"
        reason = f"{type(error).__name__}: {error}" if address.quotable(str(error)) else type(error).__name__
        raise Failed(f"{what} ({without_secrets(reason)})") from None


async def _post(address: Address, message: dict[str, Any], limits: Limits) -> Response:
    import httpx

    timeout = httpx.Timeout(limits.read, connect=limits.connect)
    async with (
        _unlogged(address.url),
        httpx.AsyncClient(follow_redirects=False, timeout=timeout, verify=_certificates()) as client,
        client.stream(
            "POST",
            address.url,
            content=json.dumps(message).encode(),
            headers={
                "Content-Type": "application/json",
                "Accept-Encoding": "identity",
                **({"Authorization": address.authorization} if address.authorization else {}),
            },
        ) as response,
    ):
        body = b""
        async for part in response.aiter_bytes():
            body += part
            if len(body) > limits.size:
                raise Failed(f"gave a response of more than {limits.size:,} bytes")
        return Response(response.status_code, response.headers, body)


@cache
def _certificates() -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context()


def _in_thread(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The result of a coroutine, run in a thread: in this one, as in a notebook, an event loop may run already.

    Ctrl-C does not wait for the thread.
    """
    result: Future[T] = Future()

    def work() -> None:
        try:
            result.set_result(asyncio.run(start()))
        except BaseException as error:
            result.set_exception(error)

    Thread(target=work, daemon=True).start()
    return result.result()


@asynccontextmanager
async def _unlogged(url: httpx.URL) -> AsyncIterator[None]:
    """Within it httpx, which logs every URL with its query, logs nothing about this one."""
    import httpx

    def about_another(record: logging.LogRecord) -> bool:
        logged = record.args if isinstance(record.args, tuple) else ()
        return not any(isinstance(entry, httpx.URL) and entry == url for entry in logged)

    logger = logging.getLogger("httpx")
    logger.addFilter(about_another)
    try:
        yield
    finally:
        logger.removeFilter(about_another)
