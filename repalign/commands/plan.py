"""`repalign plan`: what reading and scoring would take, before anything is read."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from repalign.commands.options import add_langs, add_store_dtype, layer_list, positive
from repalign.commands.outcome import Outcome, aligned
from repalign.commands.parser import Parser, add_list
from repalign.errors import RepalignError
from repalign.results.layer_ranges import layer_ranges

if TYPE_CHECKING:
    from transformers import PretrainedConfig

    from repalign.planning.hardware import Hardware
    from repalign.planning.sizes import ModelSize
    from repalign.planning.text import TextSize


def add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "checkpoint", nargs="?", metavar="CKPT", help="a checkpoint or a folder with a config.json; its weights are not read"
    )  # fmt: skip
    model = parser.add_argument_group("the model, if there is no configuration")
    model.add_argument("--parameters", type=_number, metavar="N", help="such as 70e9")
    model.add_argument(
        "--active", type=_number, metavar="N", help="that read a token, of a mixture of experts"
    )
    model.add_argument("--blocks", type=positive, metavar="N", help="such as 80")
    model.add_argument("--dim", type=positive, metavar="N", help="of the hidden states, such as 8192")
    text = parser.add_argument_group("sentences")
    text.add_argument(
        "--corpus",
        metavar="C",
        help="as for `repalign extract`; without it, news sentences of --langs are assumed",
    )
    add_langs(text, "languages; a number N for N languages of which nothing is known")
    text.add_argument(
        "--sentences", type=positive, metavar="N", help="of each language (default: all of the corpus)"
    )
    text.add_argument(
        "--template", default="raw", metavar="T", help="frame around each sentence (default: raw)"
    )
    what = parser.add_argument_group("what is read and scored")
    what.add_argument(
        "--checkpoints", type=positive, default=1, metavar="N", help="of this size (default: 1)"
    )
    add_list(what, "--layers", metavar="L", parts=layer_list, help="e.g. 0-8 or 0,4,8; default: all")
    add_list(what, "--poolings", metavar="P", default=["mean"], help="in one pass (default: mean)")
    what.add_argument(
        "--pairs", default="pivot", choices=["pivot", "all"], help="that are scored (default: pivot)"
    )
    on = parser.add_argument_group("hardware")
    on.add_argument("--gpus", metavar="NxGPU", help="such as 8xH100")
    on.add_argument("--cpus", type=positive, metavar="N", help="cores (default: 1, if no --gpus are given)")
    on.add_argument("--dtype", default="auto", choices=["auto", "float32", "bfloat16", "float16"],
                    help="of the weights (default: auto, 16 bits on a GPU)")  # fmt: skip
    add_store_dtype(on)
    on.add_argument("--batch-tokens", type=positive, metavar="N", help="padded tokens per batch")
    on.add_argument(
        "--utilisation", type=float, metavar="U", help="share of a GPU's peak that is reached (default: 0.35)"
    )
    on.add_argument(
        "--measure", action="store_true", help="time a few batches on this machine's CPU, half a minute"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object in place of text")
    parser.add_examples(
        "repalign plan m-llama --corpus everyday --cpus 2 --measure",
        "repalign plan --parameters 70e9 --blocks 80 --dim 8192 --langs 200 --sentences 2000 --checkpoints 30 --gpus 64xH100",
    )


def _number(text: str) -> float:
    number = float(text)
    if not 0 < number < 1e16:
        raise argparse.ArgumentTypeError(f"expected a number above 0, such as 70e9; got {text[:40]}")
    return number


def run(args: argparse.Namespace) -> Outcome:
    """
    Raises:
        RepalignError: neither a configuration nor sizes, or both; see also `repalign.planning.plan.plan`.
    """
    from repalign.planning.hardware import UTILISATION
    from repalign.planning.plan import plan

    hardware = _hardware(args)
    folder = _folder(args)
    model, config = _model(args, folder)
    found = plan(
        model, _text(args, folder), hardware,
        config=config, name=shlex.quote(args.checkpoint or "CKPT"), options=_options(args), checkpoints=args.checkpoints, layers=args.layers,
        poolings=args.poolings, dtype=args.dtype, store_dtype=args.store_dtype, pairs=args.pairs, batch_tokens=args.batch_tokens, measure=args.measure,
        utilisation=UTILISATION if args.utilisation is None else args.utilisation,
    )  # fmt: skip
    text = [
        line
        for name, value, source in found.lines()
        for line in aligned([(f"{name:8}", value), ("", f"  ({source})")])
    ]
    return Outcome(text, found.record())


def _options(args: argparse.Namespace) -> str:
    """What was asked, as options of `repalign extract`; of a text that does not exist yet, nothing."""
    of_text = {"--corpus": args.corpus, "--langs": args.langs, "--sentences": args.sentences}
    asked = {
        **(of_text if args.corpus is not None else {}),
        "--template": None if args.template == "raw" else args.template,
        "--layers": args.layers and layer_ranges(args.layers),
        "--poolings": None if args.poolings == ["mean"] else args.poolings,
        "--dtype": None if args.dtype == "auto" else args.dtype,
        "--store-dtype": None if args.store_dtype == "auto" else args.store_dtype,
        "--batch-tokens": args.batch_tokens,
    }
    words = []
    for name, value in asked.items():
        if value is not None:
            words += [name, *map(str, value if isinstance(value, list) else [value])]
    return shlex.join(words)


def _hardware(args: argparse.Namespace) -> Hardware:
    from repalign.planning.hardware import Hardware

    if args.gpus and args.cpus:
        raise RepalignError(f"give --gpus or --cpus, not both; got {args.gpus} and {args.cpus}")
    if args.gpus and args.measure:
        raise RepalignError("--measure times this machine's CPU; leave it out, or plan for --cpus")
    return Hardware.gpus(args.gpus) if args.gpus else Hardware(args.cpus or 1, "cpu")


def _folder(args: argparse.Namespace) -> Path | None:
    """The folder with the configuration; None if the model is given by numbers."""
    given = [args.parameters, args.blocks, args.dim]
    if args.checkpoint is None:
        if None in given:
            raise RepalignError(
                "which model? Give a checkpoint or a folder with a config.json, or --parameters, --blocks and --dim"
            )
        return None
    if any(value is not None for value in (*given, args.active)):
        raise RepalignError(f"give {args.checkpoint} or --parameters, --blocks and --dim, not both")
    path = Path(args.checkpoint)
    if (path / "config.json").is_file():
        return path
    from repalign.checkpoints import Checkpoint

    folder = Checkpoint.named(args.checkpoint).folder
    if folder is None or not (folder / "config.json").is_file():
        raise RepalignError(
            f"{args.checkpoint} is not on this machine; give a folder with its config.json, or --parameters, --blocks and --dim"
        )
    return folder


def _model(args: argparse.Namespace, folder: Path | None) -> tuple[ModelSize, PretrainedConfig | None]:
    from repalign.planning.sizes import given_size, read_size

    if folder is None:
        return given_size(args.parameters, args.blocks, args.dim, args.active), None
    return read_size(folder)


def _text(args: argparse.Namespace, folder: Path | None) -> TextSize:
    from repalign.models.templates import TEMPLATES
    from repalign.planning.text import counted, estimated, imagined

    template = TEMPLATES[args.template]
    if args.corpus is None:
        if not args.langs or args.sentences is None:
            raise RepalignError(
                "which text? Give a --corpus, or --langs (names, or their number) and --sentences"
            )
        number = args.langs[0] if len(args.langs) == 1 and args.langs[0].isdigit() else None
        languages = [f"language {i + 1}" for i in range(int(number))] if number else args.langs
        return imagined(languages, args.sentences, template)
    from repalign.corpora import open_corpus

    corpus = open_corpus(args.corpus, args.langs).select(limit=args.sentences)
    tokenizer = _tokenizer(folder) if folder else None
    return estimated(corpus, template) if tokenizer is None else counted(corpus, tokenizer, template)


def _tokenizer(folder: Path):
    """The tokenizer in a folder; None if there is none."""
    from repalign.checkpoints import Checkpoint
    from repalign.checkpoints.folder import SETTINGS, tokenizer_files
    from repalign.models.loading import read_tokenizer
    from repalign.models.locating import Weights

    if not {path.name for path in tokenizer_files(folder)} - SETTINGS:
        return None
    return read_tokenizer(Weights(Checkpoint(folder.name, str(folder)), folder, None, folder, "", ""))
