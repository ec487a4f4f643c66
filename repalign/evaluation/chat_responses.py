"""Responses of a chat API: the reply in one, or why there is none and whether to ask again."""

from __future__ import annotations

import json
import re
import time
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from repalign.evaluation.chat_requests import Address, Failed, Response
from repalign.privacy import JUDGE_KEY, without_secrets

if TYPE_CHECKING:
    import httpx

RETRIED = {408, 409, 425, 429}
"""Statuses that pass with time, as may all from 500."""

ADVICE = {
    401: f"check ${JUDGE_KEY}",
    403: f"check ${JUDGE_KEY}",
    404: "check --judge-url, and the model's name in --judge",
}

LONGEST_REPLY = 100_000
"""Characters of a reply; a verdict is one word."""

QUOTED = 200
"""Characters quoted of what a service says about an error."""


def reply_in(response: Response, address: Address) -> str:
    """The text of the first choice; "" where the service declined to give one.

    Raises:
        Failed: another status than 200, or another format.
    """
    if response.status != HTTPStatus.OK:
        raise _refusal(response, address)
    try:
        return _content(response.body)
    except (ValueError, RecursionError) as error:
        raise Failed(f"gave a response that is not in the format of chat completions ({error})") from None


def _content(body: bytes) -> str:
    """
    Raises:
        ValueError, RecursionError: not JSON, or of another form.
    """
    value = json.loads(body.decode(), object_pairs_hook=_unrepeated)
    choices = value.get("choices") if isinstance(value, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise ValueError("there is no choices[0].message")
    text = message.get("content")
    declined = isinstance(message.get("refusal"), str) or choice.get("finish_reason") == "content_filter"
    if text is None and declined:
        return ""
    if not isinstance(text, str) or len(text) > LONGEST_REPLY:
        raise ValueError(f"choices[0].message.content is not a text of up to {LONGEST_REPLY:,} characters")
    return text


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("an object names a field twice")
    return table


def _refusal(response: Response, address: Address) -> Failed:
    status = response.status
    if 300 <= status < 400 and (target := response.headers.get("Location")):
        return Failed(
            f"redirects to {_shown(target, address)}, which is not followed: it would carry questions, answers and the key "
            "there; if that is right, give that address to --judge-url",
            final=True,
        )
    known = status in HTTPStatus._value2member_map_
    reason = f"answers {status}" + (f" {HTTPStatus(status).phrase}" if known else "")
    if status in RETRIED or status >= 500:
        return Failed(reason, _retry_after(response.headers))
    said = "" if status in (401, 403) else _said(response.body, address)
    return Failed(f"{reason}{said}; {ADVICE.get(status, 'check --judge and --judge-url')}", final=True)


def _shown(target: str, address: Address) -> str:
    """The address of a redirect, if it can be shown."""
    import httpx

    try:
        url = address.url.join(target).copy_with(userinfo=b"", query=None, fragment=None)
    except httpx.InvalidURL:
        return "an invalid address"
    return without_secrets(str(url)) if address.quotable(str(url)) else "another address"


def _said(body: bytes, address: Address) -> str:
    text = re.sub(r"\s+", " ", body.decode("utf-8", "replace")).strip()
    return f" ({without_secrets(text)[:QUOTED]})" if text and address.quotable(text) else ""


def _retry_after(headers: httpx.Headers) -> float | None:
    """Seconds, from a number of them or a date."""
    given = headers.get("Retry-After", "").strip()
    if re.fullmatch("[0-9]+", given):
        return float(given)
    try:
        return max(0.0, parsedate_to_datetime(given).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None
