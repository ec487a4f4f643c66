"""Options that several commands share, and their conversion to objects."""

from __future__ import annotations

import argparse
import logging
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from repalign.commands.outcome import add_printing_options
from repalign.commands.parser import add_list, comma_list
from repalign.errors import RepalignError
from repalign.results.titles import default_folder

if TYPE_CHECKING:
    from repalign.checkpoints import Checkpoint
    from repalign.corpora import ParallelCorpus
    from repalign.results.folder import Output
    from repalign.results.tables import TableSet
    from repalign.states.spec import Machine, ReadingSpec

Group = argparse.ArgumentParser | argparse._ArgumentGroup


def add_data_options(
    parser: argparse.ArgumentParser, sentences: int | None = None, clusters: bool = True
) -> None:
    """What is read; by default the first `sentences`, or all; if something is resampled, also in which `clusters`."""
    group = parser.add_argument_group("sentences")
    group.add_argument("--corpus", metavar="C", help="an embedded name; a folder or zip of <lang>.txt, FLORES, NTREX "
                       "or Moses pairs; TSV, CSV, JSON, JSONL, parquet or TMX; or a hub data set (docs/corpora.md); default: "
                       "what the checkpoint is tested on, else everyday")  # fmt: skip
    add_langs(group, "languages, in any spelling (zh, zho_Hans, zh-CN); default: all of the corpus")
    group.add_argument(
        "--sentences", type=positive, default=sentences, metavar="N",
        help=f"only the first N sentences (default: {sentences or 'all'})",
    )  # fmt: skip
    if clusters:
        add_clusters_option(group)
    else:
        parser.set_defaults(clusters=None)


def add_langs(group: Group, help: str) -> None:
    """Which languages."""
    add_list(group, "--langs", metavar="L", help=f"{help}; separated by spaces or commas")


def add_clusters_option(group: Group) -> None:
    """Which sentences belong together."""
    group.add_argument("--clusters", metavar="C", help="sentences that are not independent and are resampled together: a file "
                       "with one id per line, a number K for blocks of K consecutive sentences, or none; default: the documents "
                       "of the corpus, if it names them")  # fmt: skip


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """What is read from the model, and where it runs."""
    group = parser.add_argument_group("reading the model")
    add_list(group, "--layers", metavar="L", parts=layer_list, help="e.g. 0-8 or 0,4,8; default: all")
    group.add_argument("--site", default="resid", metavar="S",
                       help="resid (default), embed, attn, mlp, mlp-act or final")  # fmt: skip
    group.add_argument("--side", default="auto", choices=["auto", "encoder", "decoder"],
                       help="of an encoder-decoder (default: auto, its encoder)")  # fmt: skip
    group.add_argument("--pooling", default="mean", metavar="P",
                       help="mean (default: tokens of the sentence only), mean-all, last, weighted, max")  # fmt: skip
    group.add_argument("--template", default="raw", metavar="T",
                       help="frame around each sentence: raw (default), alpaca, brief, input-first")  # fmt: skip
    add_machine_options(group)
    group.add_argument("--max-length", type=positive, metavar="N", help="maximum tokens per sentence; longer ones are dropped "
                       "from every language (default: 2048, or the model's limit)")  # fmt: skip
    add_store_options(group)
    group.add_argument("--stream", action="store_true", help="store nothing, hold two languages at a time, and write the "
                       "scores only (for hundreds of languages)")  # fmt: skip


def add_machine_options(group: argparse._ArgumentGroup) -> None:
    """Where and how a model runs."""
    group.add_argument("--dtype", default="auto", choices=["auto", "float32", "bfloat16", "float16"], help="of the weights "
                       "(default: auto, 16 bits for models over 100 MB on a device where they are fast)")  # fmt: skip
    group.add_argument("--device", default="auto", metavar="D",
                       help="auto (default), cpu, cuda, cuda:1, mps, or all GPUs together: all")  # fmt: skip
    group.add_argument(
        "--batch-tokens", type=positive, metavar="N", help="padded tokens per batch; default: by free memory"
    )
    add_no_train(group)


def add_store_options(group: argparse._ArgumentGroup) -> None:
    """Where states are stored."""
    group.add_argument("--store", type=store_address, metavar="URL", help="where states are stored: a folder, "
                       "s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, ... (default: $REPALIGN_STORE, or $REPALIGN_HOME/states)")  # fmt: skip
    add_store_dtype(group)
    group.add_argument("--no-store", action="store_true", help="keep states in memory, write none to disk")


def add_store_dtype(group: argparse._ArgumentGroup) -> None:
    """In which dtype states are stored."""
    group.add_argument("--store-dtype", default="auto", choices=["auto", "float32", "float16"], help="in which states are "
                       "stored: float32, or float16 in half the bytes, with an error of 0.05%% at most of each number (default: "
                       "auto, $REPALIGN_STORE_DTYPE or float32)")  # fmt: skip


def store_address(text: str) -> str:
    """The type of an option that takes the address of a store; nothing is reached."""
    from repalign.states.storage import storage_at

    try:
        storage_at(text)
    except RepalignError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def chosen_store(args: argparse.Namespace) -> bool | str:
    """Where states are stored: see `repalign.extract`.

    Raises:
        RepalignError: a store is named and nothing would be stored.
    """
    if args.store and args.no_store:
        raise RepalignError("--no-store stores nothing; leave out it or --store")
    return args.store or not args.no_store


def add_no_train(group: Group) -> None:
    """Whether a missing demo checkpoint is trained."""
    group.add_argument("--no-train", action="store_true", help="refuse to train a missing demo checkpoint")


def add_pivot(group: argparse._ArgumentGroup, help: str) -> None:
    """The language that the others are compared with; the page and the Python API also call it source."""
    group.add_argument("--pivot", "--source", default="en", metavar="L", help=help)


def add_draws(group: argparse._ArgumentGroup, drawn: str = "bootstrap draws") -> None:
    """How much is resampled, and from which seed."""
    group.add_argument("--draws", type=positive, default=1000, metavar="N", help=f"{drawn} (default: 1000)")
    group.add_argument("--seed", type=natural, default=0, metavar="N", help="of the draws (default: 0)")


def add_output_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Where results go, and what is printed. Returns the group, to which a command may add options."""
    output = parser.add_argument_group("output")
    add_out(output, "folder of results (default: out/CHECKPOINTS-on-CORPUS)")
    add_overwrite_option(output)
    output.add_argument("--no-report", action="store_true", help="write the tables only")
    add_printing_options(output)
    return output


def add_out(group: Group, help: str) -> None:
    """The folder or file to write."""
    group.add_argument("-o", "--out", type=given_path, metavar="PATH", help=help)


def add_overwrite_option(group: Group) -> None:
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
            meant = part.replace(":", "-")
            hint = f"; did you mean {meant}?" if re.fullmatch(r"\d+-\d+", meant) and meant != part else ""
            raise argparse.ArgumentTypeError(
                f"expected numbers and ranges such as 0-8,12; got {part!r}{hint}"
            )
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


def check_pivot(args: argparse.Namespace, corpus: ParallelCorpus) -> None:
    """
    Raises:
        RepalignError: the pivot is not among the languages chosen; says whether the corpus has it, and both remedies.
    """
    from repalign.corpora import open_corpus
    from repalign.corpora.language_choice import matching

    if not args.langs or args.pivot in corpus.languages or matching(args.pivot, corpus.languages):
        return
    whole = open_corpus(args.corpus or corpus.name).languages
    chosen, other = " ".join(args.langs), f"compare with another by --pivot {corpus.languages[0]}"
    if matching(args.pivot, whole):
        raise RepalignError(
            f"the pivot {args.pivot!r} is in corpus {corpus.name!r} but not in --langs {chosen}; add it, as in "
            f"--langs {args.pivot} {chosen}, or {other}"
        )
    raise RepalignError(
        f"corpus {corpus.name!r} has no {args.pivot!r}, the language to compare with; it has {', '.join(whole)}; {other}"
    )


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

    if args.device not in ("auto", "all", "cpu"):
        Machine(device=args.device)  # its form, before what takes the time to import torch
        from repalign.models.devices import pick_device

        pick_device(args.device)
    return Machine(args.dtype, args.device, args.batch_tokens, not args.quiet, args.store_dtype)


def checked_output(args: argparse.Namespace, results: type[TableSet], title: str | None = None) -> Output:
    """`--out`, or a folder named by the title, checked, so that a mistake fails before an hour of work and not after.

    Args:
        results: that will be written.
        title: of these results; not known before checkpoints are resolved, which may train them. Without it, `--out`
            alone is checked.

    Raises:
        RepalignError: see `Output.check`.
    """
    folder = args.out or default_folder(title or "")
    output = results.output(folder, title, args.overwrite)
    if args.out or title:
        output.check()
    return output


def say(message: str) -> None:
    """One line of progress, on stderr."""
    logging.getLogger("repalign").info("%s", message)
