"""Items from files: instructions, plain text, repetition, sentence pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repalign.corpora.tables import READERS
from repalign.corpora.text_files import text_file

from .formats import recognise
from .instructions import translation_request
from .items import Item, Items
from .pairs import sentence_pairs
from .paths import find_path, path_of
from .rows import language_columns, sentences, table_rows


def instructions(languages: tuple[str, ...], options: Mapping[str, Any], split: str) -> Items:
    """Questions and answers, `alpaca_en`, in one of the formats of `formats`: a table, most often .json or .jsonl."""
    path = find_path(path_of(options), {"language": languages[0]})
    rows = table_rows(path)
    position, first = rows[0]
    read = recognise(first, str(path), f"{path}, {position}").read
    items, positions = [], []
    for position, row in rows:
        for texts in read(row, f"{path}, {position}"):
            items.append(Item(*texts, languages))
            positions.append(position)
    return Items(
        len(items),
        items.__getitem__,
        lambda index: f"{path}, {positions[index]}",
        needed=("instruction", "output"),
    )


def text(languages: tuple[str, ...], options: Mapping[str, Any], split: str) -> Items:
    """Plain text, one paragraph or sentence per line: `text_en`. Empty lines separate paragraphs."""
    (lines,), where = sentences(find_path(path_of(options), {"language": languages[0]}))
    return Items(len(lines), lambda index: Item("", "", lines[index], languages), where)


def repeat(languages: tuple[str, ...], options: Mapping[str, Any], split: str) -> Items:
    """Sentences to repeat in the same language, `repeat_zh`: plain text, or that column of a table of pairs.

    Repetition is the easiest task on which a model learns to attend to its input. `brief` and `columns` as in `pairs`.
    """
    (language,) = languages
    path = find_path(path_of(options), {"language": language})
    names = options.get("columns", "")
    is_table = names or text_file(path).suffix in READERS
    columns = language_columns(table_rows(path, names), languages, str(path)) if is_table else sentences(path)
    (lines,), where = columns
    brief = options.get("brief", False)

    def make(index: int) -> Item:
        request = translation_request(language, language, index, brief=brief)
        return Item(request, lines[index], lines[index], languages)

    return Items(len(lines), make, where)


def pairs(languages: tuple[str, ...], options: Mapping[str, Any], split: str) -> Items:
    """Sentence pairs, `translation_en-zh`; see `sentence_pairs`.

    `ask` is the language of the instruction: a code (en by default), "source" or "target"; `brief` takes the shortest one.
    """
    source, target = languages
    (sources, targets), where = sentence_pairs(options, source, target)
    ask, brief = options.get("ask", "en"), options.get("brief", False)

    def make(index: int) -> Item:
        request = translation_request(source, target, index, ask, brief)
        return Item(request, sources[index], targets[index], languages)

    return Items(len(sources), make, where, needed=("input", "output"))
