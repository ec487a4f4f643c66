"""`repalign data check`: problems in parallel text."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from repalign.commands.options import comma_list


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["check"])
    parser.add_argument("corpus", help="a built-in name, a folder of <lang>.txt, a file, or a hub data set")
    parser.add_argument(
        "--langs", type=comma_list, metavar="L,L", help="languages; default: all in the corpus"
    )
    parser.add_argument("--pivot", metavar="L", help="language the others are compared with; default: en")
    parser.add_argument(
        "--ckpt", metavar="CKPT", help="also count tokens with its tokenizer (no weights are loaded)"
    )
    parser.add_argument("--json", action="store_true", help="print the whole manifest, with row numbers")


def run(args: argparse.Namespace) -> list[Path]:
    from repalign.corpora import open_corpus
    from repalign.corpora.checks import check

    corpus = open_corpus(args.corpus, args.langs)
    manifest = check(corpus, args.pivot)
    if args.ckpt:
        from repalign.checkpoints import Checkpoint
        from repalign.states.extraction import count_tokens

        manifest["tokens"] = count_tokens(Checkpoint.named(args.ckpt), corpus)
    if args.json:
        print(json.dumps(manifest, ensure_ascii=False, indent=1))
        return []
    print(
        f"{corpus.name}: {len(corpus)} sentences in {manifest['groups']} groups, digest {corpus.digest[:8]}"
    )
    print("\n".join(table(manifest)))
    return []


def table(manifest: Mapping[str, Any]) -> Iterator[str]:
    """A header, then one line per language."""
    from repalign.corpora.scripts import script_name

    tokens = manifest.get("tokens", {})
    head = f"{'':6}{'script':>12}{'chars':>8}{'duplicates':>12}{'copies':>8}{'script?':>9}{'length?':>9}"
    yield head + f"{'tokens':>9}{'per char':>10}{'cut':>6}" * bool(tokens)
    for language, problems in manifest["languages"].items():
        counts = [len(problems[name]) for name in ("duplicates", "copies", "wrong_script", "odd_length")]
        line = f"{language:6}{script_name(problems['script']).lower():>12}{problems['characters']:8.1f}{counts[0]:12}{counts[1]:8}{counts[2]:9}{counts[3]:9}"
        if tokens:
            counted = tokens[language]
            line += f"{counted['per_sentence']:9.1f}{counted['per_character']:10.2f}{counted['truncated']:6}"
        yield line
