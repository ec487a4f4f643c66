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
from repalign.corpora.language_choice import find_language
from repalign.corpora.languages import canonical
from repalign.corpora.layouts import all_shards
from repalign.corpora.text_files import TextFile, files_in, text_file
from repalign.errors import RepalignError, unknown
from repalign.evaluation import labels
from repalign.evaluation.rows import SUFFIXES, Row, read_rows
from repalign.privacy import without_secrets

SPLITS = ("test", "validation", "dev", "train")
"""Words of a path that name a split. The first that a folder has is read, with files that name none."""

SHARD = re.compile(r"-\d+-of-\d+|(?<![^/])\d{4,}(?=\.parquet$)")
"""The part of a path that numbers the files of one table: validation-00000-of-00002.parquet, validation/0000.parquet."""


@dataclass(frozen=True)
class DataSet:
    """How a data set of questions is stored.

    Attributes:
        example: a path in a folder, for messages.
        files: regular expression that paths in a folder must contain, in small or capital letters; by default all files
            of questions are read.
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

    Where the language stands is in `repalign.evaluation.labels`. Where it stands nowhere, it is the only one requested.

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
    only = languages[0] if languages and len(languages) == 1 else None
    if spec and path.exists():
        tables = _in_folder(path, dataset, only, notes)
    elif is_hub_id(spec.partition(":")[0]):
        tables = _on_hub(spec, dataset, languages)
    else:
        given = f"no file or folder {spec}" if spec else "no --data"
        raise RepalignError(f"{given}; --data takes a folder with files such as {dataset.example}")
    if not languages:
        return _in_one_language(tables, notes)
    return _chosen(tables, languages, f"in {spec}")


def _in_folder(path: Path, dataset: DataSet, only: str | None, notes: list[str]) -> dict[str, list[Table]]:
    shards: dict[str, list[TextFile]] = {}
    is_file = path.is_file() and path.suffix != ".zip"
    for file in [text_file(path)] if is_file else files_in(path):
        if file.suffix in SUFFIXES and (is_file or re.search(dataset.files, file.name, re.IGNORECASE)):
            shards.setdefault(SHARD.sub("", file.name), []).append(file)
    if not shards:
        raise RepalignError(f"no questions in {path}; expected files such as {dataset.example}")
    tables: dict[str, list[Table]] = {}
    spelling: dict[str, str] = {}  # en and eng_Latn are one language, called as it is first
    for name in _in_first_split(shards, notes):
        files = all_shards(shards[name], str(path))
        shown = files[0].where if len(files) == 1 else f"{path}/{name} ({len(files)} files)"
        table = Table(shown, partial(_read_all, files))
        label = labels.in_path(name)
        for key, one in [(label, table)] if label else _by_row(table, dataset, only).items():
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


def _by_row(table: Table, dataset: DataSet, only: str | None) -> dict[str, Table]:
    """The rows by the language that each names; `only` is that of rows that name none."""
    rows: dict[str, list[Row]] = {}
    for row in table.read():
        language = labels.in_row(row) or only
        if language is None:
            raise RepalignError(
                f"{table.name}: in which language? Name it in the file's name, such as {dataset.example}, in a column "
                f"'{labels.COLUMNS[0]}', or in --langs if it is only one"
            )
        rows.setdefault(language, []).append(row)
    return {language: Table(table.name, lambda some=some: some) for language, some in rows.items()}


def _on_hub(spec: str, dataset: DataSet, languages: Sequence[str] | None) -> dict[str, list[Table]]:
    repo, config, split = (spec + "::").split(":")[:3]

    def table(config: str) -> Table:
        part = split or dataset.split
        name = f"{repo}:{config}:{part} from the hub"
        remedy = f"no file or folder {spec} is here either"
        return Table(name, lambda: hub_rows(repo, config, part, name, remedy))

    if config or not dataset.hub:
        only = languages[0] if languages and len(languages) == 1 else None
        return {language: [one] for language, one in _by_row(table(config), dataset, only).items()}
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
        reason = without_secrets(str(error).partition("\n")[0])
        raise RepalignError(
            f"cannot list the languages of {repo}: {reason}; --data also takes a folder"
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


def _meant(code: str, available: Mapping[str, object], where: str) -> str:
    passage, _, question = code.partition(".")
    pairs = [label.split(".") for label in available if "." in label]
    if question in ("", passage):
        return find_language(passage, [label for label in available if "." not in label], where)
    if pairs:
        passages, questions = zip(*pairs, strict=True)
        label = (
            f"{find_language(passage, set(passages), where)}.{find_language(question, set(questions), where)}"
        )
        if label in available:
            return label
    raise unknown("passages and questions", code, available, where)
