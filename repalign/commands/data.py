"""`repalign data check`: problems in parallel text."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from repalign.commands.options import add_clusters_option, comma_list
from repalign.errors import RepalignError

COUNTED = {
    "duplicates": "duplicates",
    "near_duplicates": "near-dup.",
    "copies": "copies",
    "wrong_script": "script?",
    "odd_length": "length?",
}
"""Headings of the counts, by their names in the manifest."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["check"])
    parser.add_argument("corpus", help="a built-in name, a folder of <lang>.txt, a file, or a hub data set")
    parser.add_argument(
        "--langs", type=comma_list, metavar="L,L", help="languages; default: all in the corpus"
    )
    add_clusters_option(parser)
    parser.add_argument(
        "--pivot", metavar="L", help="language the others are compared with; default: English, else the first"
    )
    parser.add_argument(
        "--ckpt", metavar="CKPT", help="also count tokens with its tokenizer (no weights are loaded)"
    )
    parser.add_argument(
        "--json", action="store_true", help="print the whole manifest, with all problems and row numbers"
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit with 1 if rows are misaligned or text is wrong"
    )


def run(args: argparse.Namespace) -> list[Path]:
    """
    Raises:
        RepalignError: a corpus that cannot be read; with --strict also one that is not ok.
    """
    from repalign.corpora import open_corpus
    from repalign.corpora.checks import check
    from repalign.corpora.problems import verdict

    corpus = open_corpus(args.corpus, args.langs).with_clusters(args.clusters)
    manifest = check(corpus, args.pivot)
    if args.ckpt:
        from repalign.checkpoints import Checkpoint
        from repalign.states.extraction import count_tokens

        manifest["tokens"] = count_tokens(Checkpoint.named(args.ckpt), corpus)
    if args.json:
        print(json.dumps(manifest, ensure_ascii=False, indent=1))
    else:
        head = f"{len(corpus)} sentences in {manifest['groups']} groups, {_documents(corpus.documents)}, digest {corpus.digest[:8]}"
        print(*verdict(manifest["problems"]), "", f"{corpus.name}: {head}", *table(manifest), sep="\n")
    if args.strict and not manifest["ok"]:
        raise RepalignError(f"corpus {corpus.name!r} is not ok; correct the text as the problems above say")
    return []


def _documents(documents: Sequence[str] | None) -> str:
    if documents is None:
        return "documents unknown"
    sizes = sorted(Counter(documents).values())
    return f"{len(sizes)} documents of {median(sizes):g} sentences in the median and {sizes[-1]} at most"


def table(manifest: Mapping[str, Any]) -> Iterator[str]:
    """A header, then one line per language."""
    from repalign.corpora.scripts import script_name

    tokens = manifest.get("tokens", {})
    width = max(6, *(len(language) + 1 for language in manifest["languages"]))
    head = f"{'':{width}}{'script':>12}{'chars':>8}" + "".join(f"{name:>12}" for name in COUNTED.values())
    yield head + f"{'tokens':>9}{'per char':>10}{'cut':>6}" * bool(tokens)
    for language, checked in manifest["languages"].items():
        line = f"{language:{width}}{script_name(checked['script']).lower():>12}{checked['characters']:8.1f}"
        line += "".join(f"{len(checked[kind]):12}" for kind in COUNTED)
        if tokens:
            counted = tokens[language]
            line += f"{counted['per_sentence']:9.1f}{counted['per_character']:10.2f}{counted['truncated']:6}"
        yield line
