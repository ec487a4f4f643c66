"""Options that several commands share, and their conversion to objects."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from repalign.checkpoints import Checkpoint
    from repalign.corpora import ParallelCorpus
    from repalign.results.folder import Output
    from repalign.results.tables import TableSet
    from repalign.states.spec import Machine, ReadingSpec


def add_data_options(
    parser: argparse.ArgumentParser, sentences: int | None = None, clusters: bool = True
) -> None:
    """What is read; by default the first `sentences`, or all; if something is resampled, also in which `clusters`."""
    group = parser.add_argument_group("sentences")
    group.add_argument("--corpus", metavar="C", help="an embedded name; a folder or zip of <lang>.txt, FLORES, NTREX "
                       "or Moses pairs; TSV, CSV, JSON, JSONL, parquet or TMX; or a hub data set (docs/corpora.md); default: "
                       "what the checkpoint is tested on, else everyday")  # fmt: skip
    group.add_argument(
        "--langs",
        type=comma_list,
        metavar="L,L",
        help="languages, in any spelling (zh, zho_Hans, zh-CN); by default all of the corpus",
    )
    group.add_argument(
        "--sentences", type=positive, default=sentences, metavar="N",
        help=f"only the first N sentences (default: {sentences or 'all'})",
    )  # fmt: skip
    if clusters:
        add_clusters_option(group)
    else:
        parser.set_defaults(clusters=None)


def add_clusters_option(group: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Which sentences belong together."""
    group.add_argument("--clusters", metavar="C", help="sentences that are not independent and are resampled together: a file "
                       "with one id per line, a number K for blocks of K consecutive sentences, or none; default: the documents "
                       "of the corpus, if it names them")  # fmt: skip


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("reading the model")
    group.add_argument("--layers", type=layer_list, metavar="L", help="e.g. 0-8 or 0,4,8; default: all")
    group.add_argument("--site", default="resid", help="resid (default), embed, attn, mlp, mlp-act or final")
    group.add_argument(
        "--side", default="auto", choices=["auto", "encoder", "decoder"], help="of an encoder-decoder"
    )
    group.add_argument(
        "--pooling",
        default="mean",
        help="mean (default: tokens of the sentence only), mean-all, last, weighted, max",
    )
    group.add_argument(
        "--template", default="raw", help="frame around each sentence: raw (default), alpaca, brief"
    )
    add_machine_options(group)
    group.add_argument("--max-length", type=positive, metavar="N", help="maximum tokens per sentence")
    group.add_argument("--no-store", action="store_true", help="keep states in memory, write none to disk")
    group.add_argument("--stream", action="store_true", help="store nothing, hold two languages at a time, and write the "
                       "scores only (for hundreds of languages)")  # fmt: skip


def add_machine_options(group: argparse._ArgumentGroup) -> None:
    """Where and how a model runs."""
    group.add_argument("--dtype", default="auto", choices=["auto", "float32", "bfloat16", "float16"])
    group.add_argument(
        "--device", default="auto", help="auto (default), cpu, cuda, cuda:1, mps, or all GPUs together: all"
    )
    group.add_argument(
        "--batch-tokens", type=positive, metavar="N", help="padded tokens per batch; default: by free memory"
    )
    group.add_argument("--no-train", action="store_true", help="refuse to train a missing demo checkpoint")


def add_output_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Where results go. Returns the group, to which a command may add options."""
    output = parser.add_argument_group("output")
    output.add_argument("--out", type=given_path, metavar="DIR", help="folder of results (default: out/NAME)")
    add_overwrite_option(output)
    output.add_argument("--no-report", action="store_true", help="write the tables only")
    return output


def add_overwrite_option(group: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """What may be replaced."""
    group.add_argument(
        "--overwrite",
        action="store_true",
        help="also replace results of another title, or of a version of repalign before 0.2",
    )


def given_path(text: str) -> Path:
    """The type of an option that takes a path: an unset shell variable is not the current folder, and no path holds a NUL."""
    if not text.strip():
        raise argparse.ArgumentTypeError("expected a path, got an empty text; is a shell variable unset?")
    if "\0" in text:
        raise argparse.ArgumentTypeError("expected a path, got a text with a NUL character")
    return Path(text)


def comma_list(text: str) -> list[str]:
    named = [part.strip() for part in text.split(",") if part.strip()]
    if not named:
        raise argparse.ArgumentTypeError(f"expected one or more, separated by commas; got {text!r}")
    return named


def whole_from(least: int) -> Callable[[str], int]:
    """The type of an option that takes a whole number from `least` to what 32 bits hold, as random generators need."""

    def number(text: str) -> int:
        if not least <= int(text) < 1 << 32:
            raise argparse.ArgumentTypeError(
                f"expected a whole number from {least} to 2^32 - 1, got {text[:40]}"
            )
        return int(text)

    return number


natural, positive = whole_from(0), whole_from(1)


def layer_list(text: str) -> list[int]:
    """`0-8,12` as numbers."""
    layers: set[int] = set()
    for part in comma_list(text):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        span = range(int(match[1]), int(match[2] or match[1]) + 1) if match else ()
        if not span:
            raise argparse.ArgumentTypeError(f"expected numbers and ranges such as 0-8,12; got {part!r}")
        layers.update(span)
    return sorted(layers)


def resolve(names: Sequence[str], train: bool) -> list[Checkpoint]:
    """Checkpoints from the names that the user gave; missing ones of the demo family are trained first.

    Raises:
        RepalignError: an unknown name, one given twice, or training refused or failed.
    """
    from repalign.checkpoints import as_checkpoints

    return as_checkpoints(list(names), train)


def corpus_for(args: argparse.Namespace, checkpoints: Sequence[Checkpoint]) -> ParallelCorpus:
    """The corpus given by `--corpus`, or else the default of the checkpoints, in the clusters given by `--clusters`."""
    from repalign.checkpoints import default_corpus
    from repalign.corpora import EMBEDDED, open_corpus

    name = args.corpus or default_corpus(checkpoints, EMBEDDED)
    corpus = open_corpus(name, args.langs).with_clusters(args.clusters)
    return corpus.select(limit=args.sentences)


def reading_spec(args: argparse.Namespace) -> ReadingSpec:
    """What is read."""
    from repalign.states.spec import ReadingSpec

    return ReadingSpec(
        pooling=args.pooling,
        template=args.template,
        site=args.site,
        layers=args.layers,
        stack=args.side,
        max_length=args.max_length,
    )


def machine(args: argparse.Namespace) -> Machine:
    """Where and how a model runs."""
    from repalign.states.spec import Machine

    return Machine(args.dtype, args.device, args.batch_tokens)


def checked_output(args: argparse.Namespace, results: type[TableSet], title: str | None = None) -> Output:
    """`--out`, or a folder named by the title, checked, so that a mistake fails before an hour of work and not after.

    Args:
        results: that will be written.
        title: of these results; not known before checkpoints are resolved, which may train them. Without it, `--out`
            alone is checked.

    Raises:
        RepalignError: see `Output.check`.
    """
    folder = args.out or Path("out") / (title or "").replace("/", "-").replace(" ", "-")
    output = results.output(folder, title, args.overwrite)
    if args.out or title:
        output.check()
    return output


def say(message: str) -> None:
    """One line of progress."""
    print(f"repalign: {message}", file=sys.stderr, flush=True)
