"""Sources of a data set of questions, by language: files in a folder, one file, or configurations on the hub."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import NamedTuple

from repalign.corpora.hub import hub_rows, is_hub_id
from repalign.corpora.languages import canonical, find_language, is_code, match_language, named
from repalign.corpora.layouts import all_shards
from repalign.corpora.text_files import TextFile, files_in, text_file
from repalign.errors import RepalignError, unknown
from repalign.evaluation.rows import SUFFIXES, Row, read_rows

SPLITS = ("test", "validation", "dev", "train")
"""Words of a path that name a split. The first that a folder has is read, with files that name none."""

SHARD = re.compile(r"-\d+-of-\d+")
WORD = re.compile(r"(?<![A-Za-z0-9])([a-z]{2,3}([_-]([A-Z][a-z]{3}|[A-Z]{2}))*|[A-Za-z]{4,})(?![A-Za-z0-9])")
"""Parts of a file's name that may be a language: zh, zho_Hans, pt-BR, arabic."""

LANGUAGE_COLUMNS = ("language", "lang", "dialect")
"""Columns that name the language of a row; the last is Belebele's."""


@dataclass(frozen=True)
class DataSet:
    """How a data set of questions is stored.

    Attributes:
        example: a path in a folder, for messages.
        files: regular expression that paths in a folder must contain; by default all files of questions are read.
        hub: its id on the hub; "" if there is no default.
        config: of one language there, with `{language}`, and `{question}` if that may be in another.
        split: there.
        languages: there; () for its configurations.
    """

    example: str
    files: str = ""
    hub: str = ""
    config: str = "{language}"
    split: str = "test"
    languages: tuple[str, ...] = ()


class Table(NamedTuple):
    """Questions in one language.

    Attributes:
        name: how messages refer to it.
        read: its rows.
    """

    name: str
    read: Callable[[], Sequence[Row]]


def find_tables(
    data: str | None, dataset: DataSet, languages: Sequence[str] | None, notes: list[str]
) -> dict[str, list[Table]]:
    """Language as asked for -> its tables: several if the same questions were found more than once.

    A language stands in the name of a file or of a folder above it, in a column (see `LANGUAGE_COLUMNS`), or at the
    beginning of every id, as in TyDi QA ("arabic-..."). Two languages are those of passage and question, as in MLQA.

    Args:
        data: a folder, a file, or `owner/name[:config[:split]]` of a data set on the hub; by default `dataset.hub`.
        dataset: see `DataSet`.
        languages: which, in this order; "zh.en" for passages in Chinese with questions in English. By default all
            whose questions are in the language of the passage.
        notes: what was left out is added here.

    Raises:
        RepalignError: no questions there; a language that is not there, or cannot be recognised; a damaged file.
    """
    spec = data or dataset.hub
    path = Path(spec).expanduser()
    if spec and path.exists():
        tables = _in_folder(path, dataset, notes)
    elif is_hub_id(spec.partition(":")[0]):
        tables = _on_hub(spec, dataset, languages)
    else:
        given = f"no file or folder {spec}" if spec else "no --data"
        raise RepalignError(f"{given}; --data takes a folder with files such as {dataset.example}")
    if not languages:
        return _in_one_language(tables, notes)
    return _chosen(tables, languages, f"in {spec}")


def _in_folder(path: Path, dataset: DataSet, notes: list[str]) -> dict[str, list[Table]]:
    shards: dict[str, list[TextFile]] = {}
    is_file = path.is_file() and path.suffix != ".zip"
    for file in [text_file(path)] if is_file else files_in(path):
        if file.suffix in SUFFIXES and (is_file or re.search(dataset.files, file.name)):
            shards.setdefault(SHARD.sub("", file.name), []).append(file)
    if not shards:
        raise RepalignError(f"no questions in {path}; expected files such as {dataset.example}")
    tables: dict[str, list[Table]] = {}
    spelling: dict[str, str] = {}  # en and eng_Latn are one language, called as it is first
    for name in _in_first_split(shards, notes):
        files = all_shards(shards[name], str(path))
        shown = files[0].where if len(files) == 1 else f"{path}/{name} ({len(files)} files)"
        table = Table(shown, partial(_read_all, files))
        label = label_of(name)
        for key, one in [(label, table)] if label else _by_row(table, dataset).items():
            meaning = ".".join(map(canonical, key.split(".")))
            tables.setdefault(spelling.setdefault(meaning, key), []).append(one)
    return tables


def _read_all(files: Sequence[TextFile]) -> list[Row]:
    return [row for file in files for row in read_rows(file)]


def _in_first_split(names: Mapping[str, object], notes: list[str]) -> list[str]:
    """The paths of the first split, which their file or else the nearest folder names, and those without a split."""
    split_of = {
        name: next((word for word in re.findall("[a-z]+", name.lower())[::-1] if word in SPLITS), "")
        for name in names
    }
    named = [split for split in SPLITS if split in split_of.values()]
    first = "" if named == ["train"] and "" in split_of.values() else (named or [""])[0]
    others = [split for split in named if split != first]
    if others:
        notes.append(
            f"read: {first or 'files of no split'}; left out: {', '.join(others)}; to read another, give its folder or "
            "file to --data"
        )
    return [name for name in names if split_of[name] in ("", first)]


def label_of(path: str) -> str | None:
    """The language in the name of a file, or of the nearest folder that names one; None if there is none.

    >>> [label_of(path) for path in ("xquad.zh.json", "test/test-context-en-question-zh.json", "mlqa.ar.ar/test.parquet")]
    ['zh', 'en.zh', 'ar']
    >>> [label_of(path) for path in ("zho_Hant/test.parquet", "tydiqa-goldp-dev-arabic.json", "my-data/questions.jsonl")]
    ['zho_Hant', 'ar', None]
    """
    file, *folders = Path(path).with_suffix("").parts[::-1]
    in_words = [[match[0] for match in WORD.finditer(file)], *(folder.split(".") for folder in folders)]
    for words in in_words:
        codes = list(dict.fromkeys(code for word in words if (code := named(word))))
        if len(codes) in (1, 2):
            return ".".join(codes)
    return None


def _by_row(table: Table, dataset: DataSet) -> dict[str, Table]:
    """The rows by the language that each names."""
    rows: dict[str, list[Row]] = {}
    for row in table.read():
        language = row_language(row) or _in_id(row)
        if language is None:
            raise RepalignError(
                f"{table.name}: in which language? Name it in the file's name, such as {dataset.example}, or in a column "
                f"'{LANGUAGE_COLUMNS[0]}'"
            )
        rows.setdefault(language, []).append(row)
    return {language: Table(table.name, lambda some=some: some) for language, some in rows.items()}


def row_language(row: Row) -> str | None:
    """The language in a row's column, by code or English name; None if no column names it."""
    cells = (row.get(column) for column in LANGUAGE_COLUMNS)
    return next((code for cell in cells if isinstance(cell, str) and (code := named(cell))), None)


def _in_id(row: Row) -> str | None:
    word, dash, _ = str(row.get("id", "")).partition("-")
    return named(word) if dash and not is_code(word) else None


def _on_hub(spec: str, dataset: DataSet, languages: Sequence[str] | None) -> dict[str, list[Table]]:
    repo, config, split = (spec + "::").split(":")[:3]

    def table(config: str) -> Table:
        named = f"{repo}:{config}:{split or dataset.split} from the hub"
        return Table(
            named, lambda: hub_rows(repo, config, split or dataset.split, named, "--data also takes a folder")
        )

    if config or not dataset.hub:
        return {language: [one] for language, one in _by_row(table(config), dataset).items()}
    known = dataset.languages or _configurations(repo)
    if not languages and not dataset.languages:
        raise RepalignError(f"{repo} has {len(known)} languages; name those to download in --langs")
    questions = known if "{question}" in dataset.config else [""]
    return {
        one if question in ("", one) else f"{one}.{question}": [
            table(dataset.config.format(language=one, question=question or one))
        ]
        for one, question in product(known, questions)
    }


def _configurations(repo: str) -> list[str]:
    import datasets

    try:
        return list(datasets.get_dataset_config_names(repo))
    except (ValueError, OSError, RuntimeError) as error:
        raise RepalignError(
            f"cannot list the languages of {repo}: {str(error).splitlines()[0]}; --data also takes a folder"
        ) from error


def _in_one_language(tables: Mapping[str, list[Table]], notes: list[str]) -> dict[str, list[Table]]:
    """The tables whose questions are in the language of the passage, if there are any."""
    plain = {label: some for label, some in tables.items() if "." not in label}
    pairs = [label for label in tables if "." in label]
    if plain and pairs:
        notes.append(
            f"left out: {len(pairs)} pairs of a passage and a question in different languages; name them in --langs, "
            f"such as {pairs[0]}"
        )
    return plain or dict(tables)


def _chosen(
    tables: Mapping[str, list[Table]], languages: Sequence[str], where: str
) -> dict[str, list[Table]]:
    """The tables of some languages, by the codes asked for; see `find_tables`."""
    meant = {code: _meant(code, tables, where) for code in languages}
    if len(set(meant.values())) < len(languages):
        raise RepalignError(f"a language is named twice in {','.join(languages)}")
    return {code if "." in label else code.partition(".")[0]: tables[label] for code, label in meant.items()}


def _meant(code: str, labels: Mapping[str, object], where: str) -> str:
    passage, _, question = code.partition(".")
    pairs = [label.split(".") for label in labels if "." in label]
    if question in ("", passage):
        return find_language(passage, [label for label in labels if "." not in label], where)
    label = f"{find_language(passage, {p for p, _ in pairs}, where)}.{find_language(question, {q for _, q in pairs}, where)}"
    if label not in labels:
        raise unknown("passages and questions", code, labels, where)
    return label


def check_language(row: Row, language: str, where: str) -> None:
    """A row's own column must not contradict the file's name.

    Raises:
        RepalignError: it names another language.
    """
    stated = row_language(row)
    if stated and match_language(stated, [language]) is None and match_language(language, [stated]) is None:
        raise RepalignError(f"{where}: the row is in {stated!r}, but was found among those in {language!r}")
