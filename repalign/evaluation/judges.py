"""Judges: which of two answers to a question is better."""

from __future__ import annotations

import http.client
import json
import os
import re
import urllib.request
from collections.abc import Callable
from functools import partial

from repalign.errors import RepalignError, unknown
from repalign.evaluation.items import Item
from repalign.evaluation.scorers import SCORERS

Judge = Callable[[Item, str, str], int | None]
"""(question, first answer, second answer) -> 1 if the first is better, -1 if the second is, 0 for a tie, None if unclear."""

Send = Callable[[str], str]
"""Prompt -> reply of a chat model."""

TIE_MARGINS = {"acc": 0.0, "exact": 0.0, "f1": 0.0, "contains": 0.0, "chrf": 1.0}
"""Judges that compare scores against the references: scorer -> difference, in percent, up to which it is a tie."""

KEY_VARIABLE = "REPALIGN_JUDGE_KEY"
DEFAULT_URL = "https://api.openai.com/v1/chat/completions"

JUDGE_PROMPT = """Compare two answers to one question. The right answer is given; judge what each answer says, not how it \
sounds, and let neither length nor order decide. An answer not in the question's language loses to one that is.

Question:
{question}

Right answer:
{reference}

Answer A:
{first}

Answer B:
{second}

Reply with one word: A, B or tie."""


def find_judge(name: str, url: str = DEFAULT_URL) -> Judge:
    """A judge by name.

    Args:
        name: `acc`, `exact`, `f1`, `contains`, `chrf`, or `chat:MODEL` for a chat API.
        url: of the chat API.

    Raises:
        RepalignError: an unknown judge.
    """
    if name.startswith("chat:"):
        return chat_judge(partial(ask_api, url, name.removeprefix("chat:")))
    if name not in TIE_MARGINS:
        raise unknown("judge", name, [*TIE_MARGINS, "chat:MODEL"])
    if name == "chrf":
        import repalign.evaluation.translation  # noqa: F401  (registers chrF++)
    return partial(_by_score, name, TIE_MARGINS[name])


def _by_score(scorer: str, margin: float, item: Item, first: str, second: str) -> int:
    a, b = SCORERS[scorer].measure([item, item], [first, second]).per_item
    return 0 if abs(a - b) <= margin else (1 if a > b else -1)


def chat_judge(send: Send) -> Judge:
    """A judge that asks a chat model.

    Args:
        send: prompt -> reply; `ask_api` with its first two arguments, or a custom function.
    """

    def judge(item: Item, first: str, second: str) -> int | None:
        fields = {
            "question": f"{item.instruction}\n{item.input}".strip(),
            "reference": item.references[0],
            "first": first,
            "second": second,
        }
        return verdict(send(re.sub(r"\{(\w+)\}", lambda match: fields[match[1]], JUDGE_PROMPT)))

    return judge


def verdict(reply: str) -> int | None:
    """A chat model's reply as 1 (A), -1 (B) or 0 (tie); None if it contains none of these, or several."""
    verdicts = set(re.findall(r"\b(A|B|tie)\b", re.sub(r"\b(a )?tie\b", "tie", reply, flags=re.IGNORECASE)))
    return {"A": 1, "B": -1, "tie": 0}[verdicts.pop()] if len(verdicts) == 1 else None


def ask_api(url: str, model: str, prompt: str, timeout: float = 60.0) -> str:
    """The reply of an OpenAI-compatible chat API (`/v1/chat/completions`) at temperature 0.

    The API key is read from the environment variable `REPALIGN_JUDGE_KEY`, if the service needs one.

    Args:
        url: of the API.
        model: its name there.
        prompt: the user message.
        timeout: in seconds.

    Raises:
        RepalignError: no connection, the service refuses, or its response has another format.
    """
    body = {"model": model, "temperature": 0, "messages": [{"role": "user", "content": prompt}]}
    headers = {"Content-Type": "application/json"}
    if os.environ.get(KEY_VARIABLE):
        headers["Authorization"] = f"Bearer {os.environ[KEY_VARIABLE]}"
    try:
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return str(json.load(response)["choices"][0]["message"]["content"])
    except (OSError, http.client.HTTPException) as error:
        raise RepalignError(
            f"the judge at {url} cannot be reached: {error}; see --judge-url and ${KEY_VARIABLE}"
        ) from error
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise RepalignError(
            f"the response of {url} is not in the format of chat completions ({error}); see --judge-url"
        ) from error
