"""Judges: which of two answers to a question is better."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import partial

from repalign.errors import RepalignError, unknown
from repalign.evaluation.items import Item
from repalign.evaluation.scorers import SCORERS
from repalign.privacy import without_secrets

Judge = Callable[[Item, str, str], int | None]
"""(question, first answer, second answer) -> 1 if the first is better, -1 if the second is, 0 for a tie, None if unclear."""

Send = Callable[[str], str]
"""Prompt -> reply of a chat model."""

Decide = Callable[[str], "int | None"]
"""Prompt -> verdict, as a judge gives it."""

TIE_MARGINS = {"acc": 0.0, "exact": 0.0, "f1": 0.0, "contains": 0.0, "chrf": 1.0}
"""Judges that compare scores against the references: scorer -> difference, in percent, up to which it is a tie."""

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

logger = logging.getLogger(__name__)


class JudgeFailed(RepalignError):
    """A judge that gave no verdict. What does not need one is not lost: see `repalign.evaluation.run.evaluate`."""


def find_judge(name: str, url: str = DEFAULT_URL, store: bool = True) -> Judge:
    """A judge by name.

    Args:
        name: `acc`, `exact`, `f1`, `contains`, `chrf`, or `chat:MODEL` for a chat API.
        url: of the chat API; see `repalign.evaluation.chat.ChatApi`.
        store: whether its verdicts are read from and written to `$REPALIGN_HOME/verdicts`.

    Raises:
        RepalignError: an unknown judge, a URL that is not http or https, or a key that no header can carry.
    """
    if name.startswith("chat:") and name != "chat:":
        return _api_judge(name.removeprefix("chat:"), url, store)
    if name not in TIE_MARGINS:
        raise unknown("judge", name, [*TIE_MARGINS, "chat:MODEL"])
    if name == "chrf":
        import repalign.evaluation.translation  # noqa: F401  (registers chrF++)
    return partial(_by_score, name, TIE_MARGINS[name])


def guarded(judge: Judge) -> Judge:
    """The judge, whose every failure is a `JudgeFailed`; a fault in its code is logged with its traceback."""

    def judged(item: Item, first: str, second: str) -> int | None:
        try:
            outcome = judge(item, first, second)
            if outcome not in (1, 0, -1, None):
                raise RepalignError(f"the judge returned {outcome!r}; expected 1, 0, -1 or None")
            return outcome
        except RepalignError as error:
            raise JudgeFailed(without_secrets(str(error))) from None
        except Exception as error:
            logger.warning("the judge raised an exception", exc_info=True)
            reason = f"the judge raised {type(error).__name__}: {error}"
            raise JudgeFailed(without_secrets(reason)) from error

    return judged


def _by_score(scorer: str, margin: float, item: Item, first: str, second: str) -> int:
    a, b = SCORERS[scorer].measure([item, item], [first, second]).per_item
    return 0 if abs(a - b) <= margin else (1 if a > b else -1)


def chat_judge(send: Send) -> Judge:
    """A judge that asks a chat model. Its verdicts are not stored.

    Args:
        send: prompt -> reply; a `repalign.evaluation.chat.ChatApi`, or a custom function.
    """
    return _by_prompt(lambda prompt: verdict(send(prompt)))


def _api_judge(model: str, url: str, store: bool) -> Judge:
    from repalign.evaluation.chat import ChatApi
    from repalign.evaluation.verdicts import StoredVerdicts

    api = ChatApi(url, model)
    if not store:
        return chat_judge(api)
    return _by_prompt(StoredVerdicts(api.address.shown, model, lambda prompt: verdict(api(prompt))))


def _by_prompt(decide: Decide) -> Judge:
    def judge(item: Item, first: str, second: str) -> int | None:
        fields = {
            "question": f"{item.instruction}\n{item.input}".strip(),
            "reference": item.references[0],
            "first": first,
            "second": second,
        }
        return decide(re.sub(r"\{(\w+)\}", lambda match: fields[match[1]], JUDGE_PROMPT))

    return judge


def verdict(reply: str) -> int | None:
    """A chat model's reply as 1 (A), -1 (B) or 0 (tie); None if it contains none of these, or several."""
    verdicts = set(re.findall(r"\b(A|B|tie)\b", re.sub(r"\b(a )?tie\b", "tie", reply, flags=re.IGNORECASE)))
    return {"A": 1, "B": -1, "tie": 0}[verdicts.pop()] if len(verdicts) == 1 else None
