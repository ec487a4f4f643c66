"""`repalign data check`: problems in parallel text; `repalign data suspects`: rows that seem to be no translations."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from repalign.commands import suspects
from repalign.commands.options import add_clusters_option, add_langs
from repalign.commands.outcome import Outcome
from repalign.commands.parser import Parser
from repalign.errors import RepalignError

COUNTED = {
    "duplicates": "duplicates",
    "near_duplicates": "near-dup.",
    "copies": "copies",
    "wrong_script": "script?",
    "odd_length": "length?",
}
"""Headings of the counts, by their names in the manifest."""


def add_arguments(parser: Parser) -> None:
    parser.add_argument("words", nargs="+", metavar="[check|suspects] CORPUS",
                        help="a built-in name, a folder of <lang>.txt, a file, or a hub data set; "
                        "`suspects` ranks the rows that seem to be no translations, by a checkpoint's hidden states")  # fmt: skip
    parser.checks += [_corpus, suspects.check_options]
    add_langs(parser, "languages; default: all in the corpus")
    add_clusters_option(parser)
    parser.add_argument(
        "--pivot", metavar="L", help="language the others are compared with; default: English, else the first"
    )
    parser.add_argument(
        "--ckpt",
        metavar="CKPT",
        help="checkpoint with whose tokenizer tokens are counted, too (no weights are loaded); `suspects` reads its states",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object in place of text")
    parser.add_argument(
        "--strict", action="store_true", help="exit with 1 if rows are misaligned or text is wrong"
    )
    suspects.add_options(parser)
    parser.add_examples(
        "repalign data everyday",
        "repalign data check ./my-text --langs en zh --strict",
        "repalign data check ./my-text --ckpt m-llama --json > manifest.json",
        "repalign data suspects phrasebook --ckpt m-llama --top 20",
    )


def _corpus(args: argparse.Namespace) -> str | None:
    """`data check CORPUS` and `data CORPUS` are the same."""
    named = args.words[0] in ("check", "suspects")
    args.action = args.words[0] if named else "check"
    corpora = args.words[1:] if named else args.words
    if len(corpora) != 1:
        more = " --ckpt m-llama" if args.action == "suspects" else ""
        return f"expected one corpus, as in `repalign data {args.action} everyday{more}`, got {' '.join(corpora) or 'none'}"
    (args.corpus,) = corpora
    return None


def run(args: argparse.Namespace) -> Outcome:
    """
    Raises:
        RepalignError: a corpus that cannot be read; with --strict also one that is not ok; see also `suspects.run`.
    """
    if args.action == "suspects":
        return suspects.run(args)
    from repalign.corpora import open_corpus
    from repalign.corpora.checks import check
    from repalign.corpora.problems import verdict

    corpus = open_corpus(args.corpus, args.langs).with_clusters(args.clusters)
    manifest = check(corpus, args.pivot)
    if args.ckpt:
        from repalign.checkpoints import Checkpoint
        from repalign.states.extraction import count_tokens

        manifest["tokens"] = count_tokens(Checkpoint.named(args.ckpt), corpus)
    head = f"{len(corpus)} sentences in {manifest['groups']} groups, {_documents(corpus.documents)}, digest {corpus.digest[:8]}"
    text = [*verdict(manifest["problems"]), "", f"{corpus.name}: {head}", *table(manifest)]
    wrong = args.strict and not manifest["ok"]
    error = RepalignError(f"corpus {corpus.name!r} is not ok; correct the text as the problems above say")
    return Outcome(text, manifest, error=error if wrong else None)


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
