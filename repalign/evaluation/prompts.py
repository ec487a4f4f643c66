"""How questions about a passage are worded, by language."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from repalign.corpora.language_choice import match_language
from repalign.corpora.languages import canonical
from repalign.errors import RepalignError
from repalign.files import read_toml

PROMPTS_FILE = Path(__file__).with_name("prompts.toml")

Prompts = Mapping[str, Mapping[str, str]]
"""Language -> `instruction`, and `input` with `{context}` and `{question}`."""


def read_prompts(path: Path | None = None) -> Prompts:
    """The prompts of reading comprehension.

    Args:
        path: a TOML file with custom prompts, which override the embedded ones of the same languages.

    Raises:
        RepalignError: no such file, not TOML, or a prompt lacks a part.
    """
    if path is not None and not path.is_file():
        raise RepalignError(f"no file {path} with prompts; omit --prompts, or give a TOML file")
    custom = read_toml(path) if path else {}
    overridden = {canonical(language) for language in custom}
    embedded = read_toml(PROMPTS_FILE)
    prompts = {
        language: prompt for language, prompt in embedded.items() if canonical(language) not in overridden
    }
    for language, prompt in (prompts | custom).items():
        parts = prompt if isinstance(prompt, dict) else {}
        text = str(parts.get("input", ""))
        if (
            not isinstance(parts.get("instruction"), str)
            or "{context}" not in text
            or "{question}" not in text
        ):
            raise RepalignError(
                f"{path}: [{language}] needs `instruction`, and `input` with {{context}} and {{question}}"
            )
    return prompts | custom


def prompt_of(language: str, prompts: Prompts) -> Mapping[str, str] | None:
    """The prompt in a language and its script; None if there is none."""
    code = match_language(language, prompts)
    return None if code is None else prompts[code]
