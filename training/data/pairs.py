"""Sentence pairs: tables, corresponding files of lines (Moses), the hub, or two languages joined by a third."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from repalign import RepalignError
from repalign.corpora.hub import hub_rows
from repalign.corpora.languages import canonical
from repalign.corpora.scripts import is_blank

from .paths import find_path, path_of
from .rows import Columns, language_columns, table_rows, text_lines

logger = logging.getLogger("repalign.training")


def sentence_pairs(options: Mapping[str, Any], source: str, target: str) -> Columns:
    """Sentences of a source language and their translations.

    `path` may hold {source} and {target}, or {pair} for either order of the two:

    - a table (.tsv, .csv, .jsonl, .json, .parquet, .tmx, also compressed) with one column per language (or, as on the hub, one
      column `translation`); `columns = "en,zh"` names those of a TSV or CSV without a header;
    - two plain text files with corresponding lines (Moses): a path with {language}, which stands for each of the two.

    `hub` instead names a data set in parquet, `owner/name:config`. `via` is an intermediate language: with "en",
    all zh and hi translations of the same English text make zh-hi pairs.

    Raises:
        RepalignError: no such file, a language it lacks, or sides of different length.
    """
    via = options.get("via")
    if via and canonical(via) not in (canonical(source), canonical(target)):
        return _joined(options, source, via, target)
    if "hub" in options:
        return _from_hub(options["hub"], source, target)
    template, both = path_of(options), {"source": source, "target": target}
    if "{language}" in template:
        return _moses(template, both)
    path = find_path(template, both)
    return language_columns(table_rows(path, options.get("columns", "")), (source, target), str(path))


def _joined(options: Mapping[str, Any], source: str, via: str, target: str) -> Columns:
    """Pairs of texts that translate the same text of the intermediate language."""
    (middles, sources), where = sentence_pairs(options, via, source)
    translations: dict[str, dict[str, None]] = {}  # of each text in the middle, without repetition, in order
    (shared, targets), _ = sentence_pairs(options, via, target)
    for middle, text in zip(shared, targets, strict=True):
        if not is_blank(middle):
            translations.setdefault(middle, {})[text] = None
    joined = [(index, text) for index, middle in enumerate(middles) for text in translations.get(middle, ())]
    if missing := sum(middle not in translations for middle in middles):
        logger.info(
            "%s-%s by way of %s: %s of %s rows are left out, since their %s text has no translation into %s",
            source, target, via, f"{missing:,}", f"{len(middles):,}", via, target,
        )  # fmt: skip
    if not joined:
        raise RepalignError(
            f"{source}-{target} by way of {via}: no {via} text is translated into both; the same texts must occur in both files"
        )
    texts = [[sources[index] for index, _ in joined], [text for _, text in joined]]
    return Columns(texts, lambda place: where(joined[place][0]))


def _from_hub(spec: str, source: str, target: str) -> Columns:
    name, _, config = spec.replace("{source}", source).replace("{target}", target).partition(":")
    rows = hub_rows(name, config, "train", f"hub data set {spec!r}", "it must be in parquet, not a script")
    numbered = ((f"row {number}", row) for number, row in enumerate(rows, start=1))
    return language_columns(numbered, (source, target), spec)


def _moses(template: str, both: Mapping[str, str]) -> Columns:
    paths = [find_path(template, {**both, "language": language}) for language in both.values()]
    texts = [text_lines(path) for path in paths]
    shortest = min(map(len, texts))
    for path, lines in zip(paths, texts, strict=True):
        surplus = len(lines) - shortest
        if surplus and all(map(is_blank, lines[shortest:])):
            logger.info("%s: %d empty line(s) at its end are left out", path, surplus)
            del lines[shortest:]
    if len(texts[0]) != len(texts[1]):
        counts = ", ".join(
            f"{language} has {len(lines)} lines ({sum(map(is_blank, lines))} empty)"
            for language, lines in zip(both.values(), texts, strict=True)
        )
        raise RepalignError(
            f"{template}: {counts}; line i of one must translate line i of the other. Empty lines may be surplus in one file, or "
            "missing translations: only the former should be deleted"
        )
    return Columns(texts, lambda index: f"{paths[0]}, line {index + 1}")
