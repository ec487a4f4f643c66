"""Reading comprehension in the formats of XQuAD and MLQA: SQuAD's JSON, or the hub's parquet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repalign.corpora.hub import hub_rows
from repalign.corpora.languages import choose
from repalign.corpora.readers import parquet_rows
from repalign.errors import RepalignError, unknown
from repalign.evaluation.items import Item
from repalign.files import read_toml

PROMPTS_FILE = Path(__file__).with_name("prompts.toml")
PLACEHOLDER = re.compile(r"\{(context|question)\}")


def read_prompts(path: Path | None = None) -> dict[str, dict[str, str]]:
    """The prompts of reading comprehension: language -> `instruction`, and `input` with `{context}` and `{question}`.

    Args:
        path: a TOML file with custom prompts, which override the embedded ones.

    Raises:
        RepalignError: no such file, not TOML, or a prompt lacks a part.
    """
    if path is not None and not path.is_file():
        raise RepalignError(f"no file {path} with prompts; omit --prompts, or give a TOML file")
    prompts = read_toml(PROMPTS_FILE) | (read_toml(path) if path else {})
    for language, prompt in prompts.items():
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
    return prompts


@dataclass(frozen=True)
class Source:
    """Where a data set of questions comes from.

    Attributes:
        hub: id of the data set on the hub.
        config: its configuration, with `{language}`.
        split: its split.
        files: regular expression for paths in a folder, with a group `language`.
        example: such a path, for messages.
        languages: on the hub.
    """

    hub: str
    config: str
    split: str
    files: str
    example: str
    languages: tuple[str, ...]


def read_questions(
    data: str | None, source: Source, languages: Sequence[str] | None, prompts: Mapping[str, Any]
) -> list[Item]:
    """Items from a folder or from the hub.

    Args:
        data: a folder, or `owner/name` of a data set of the same format; by default `source.hub`.
        source: see `Source`.
        languages: which, in this order; by default all that exist and have a prompt.
        prompts: see `read_prompts`.

    Raises:
        RepalignError: no questions there; a missing language; a damaged file (with its line).
    """
    data = data or source.hub
    folder = Path(data).expanduser()
    if folder.is_dir():
        paths_of = _paths_by_language(folder, source.files)
        if not paths_of:
            raise RepalignError(f"no questions in {folder}; expected files such as {source.example}")
        chosen = choose(paths_of, languages or [lang for lang in paths_of if lang in prompts], f"in {folder}")
        rows = {language: _rows(paths) for language, paths in chosen.items()}
    elif data.count("/") == 1 and not data.startswith((".", "/", "~")):
        chosen = choose(dict.fromkeys(source.languages), languages, f"in {data}")
        rows = {
            language: _hub_rows(data, source, language)
            for language in chosen
            if languages or language in prompts
        }
    else:
        raise RepalignError(f"no folder {data}; --data takes a folder with files such as {source.example}")
    return [item for language, questions in rows.items() for item in _items(language, questions, prompts)]


def _paths_by_language(folder: Path, pattern: str) -> dict[str, list[Path]]:
    paths_of: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if match := re.search(rf"(^|/){pattern}$", path.relative_to(folder).as_posix()):
            paths_of.setdefault(match["language"], []).append(path)
    return paths_of


def _items(language: str, rows: Sequence[Mapping[str, Any]], prompts: Mapping[str, Any]) -> Iterator[Item]:
    if language not in prompts:
        raise unknown(
            "prompt for language", language, prompts, "give it in a TOML file: --prompts FILE, "
            f"[{language}] with instruction and input"
        )  # fmt: skip
    prompt = prompts[language]
    for row in rows:
        text = PLACEHOLDER.sub(lambda match, row=row: row[match[1]].strip(), prompt["input"])
        yield Item(row["id"], language, prompt["instruction"], text, tuple(row["answers"]))


def _rows(paths: Sequence[Path]) -> list[dict[str, Any]]:
    return [
        row
        for path in paths
        for row in (_json_rows(path) if path.suffix == ".json" else _flat(parquet_rows(path), path))
    ]


def _json_rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        articles = json.loads(path.read_text(encoding="utf-8"))["data"]
        for paragraph in (paragraph for article in articles for paragraph in article["paragraphs"]):
            for question in paragraph["qas"]:
                answers = [answer["text"].strip() for answer in question["answers"]]
                yield _row(question["id"], paragraph["context"], question["question"], answers, path)
    except json.JSONDecodeError as error:
        raise RepalignError(f"{path}, line {error.lineno}: not JSON ({error.msg})") from error
    except UnicodeDecodeError as error:
        raise RepalignError(f"{path}: not UTF-8 (byte {error.start + 1})") from error
    except (KeyError, TypeError) as error:
        raise RepalignError(f"{path} is not in SQuAD's format: {error} is missing") from error
    except AttributeError as error:
        raise RepalignError(f"{path} is not in SQuAD's format: an answer is not a text") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, thousands of brackets
        raise RepalignError(f"{path}: not JSON ({error})") from error


def _hub_rows(data: str, source: Source, language: str) -> list[dict[str, Any]]:
    config = source.config.format(language=language)
    description = f"{data}:{config}:{source.split} from the hub"
    rows = hub_rows(data, config, source.split, description, "--data also takes a folder")
    return list(_flat(rows, f"{data}:{config}"))


def _flat(rows: Any, where: object) -> Iterator[dict[str, Any]]:
    """Rows of a table with id, context, question, and answers as {text: [...], answer_start: [...]}."""
    try:
        for row in rows:
            answers = [text.strip() for text in row["answers"]["text"]]
            yield _row(row["id"], row["context"], row["question"], answers, where)
    except (KeyError, TypeError) as error:
        raise RepalignError(f"{where} lacks {error}; expected id, context, question, answers") from error


def _row(id: str, context: str, question: str, answers: list[str], where: object) -> dict[str, Any]:
    if not (isinstance(context, str) and isinstance(question, str)):
        raise RepalignError(f"{where}: question {id} or its paragraph is not a text")
    if not any(answers):
        raise RepalignError(f"{where}: question {id} has no answer; every question needs at least one")
    return {"id": str(id), "context": context, "question": question, "answers": [a for a in answers if a]}
