"""What `layers` and `compare` share: states in, a folder of results and a page out."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repalign.commands.options import (
    add_data_options,
    add_reading_options,
    comma_list,
    positive,
    reading_options,
    say,
    writable,
)
from repalign.errors import RepalignError, unknown
from repalign.signature import digest
from repalign.version import __version__

if TYPE_CHECKING:
    import pandas as pd

    from repalign.checkpoints import Checkpoint
    from repalign.corpora import ParallelCorpus
    from repalign.profiles import LayerProfile
    from repalign.results import Results
    from repalign.states import LayerStates

CONTROLS = ("random", "unshared")
VERSIONED = ("torch", "transformers", "numpy", "scikit-learn")


def add_analysis_options(parser: argparse.ArgumentParser) -> None:
    add_data_options(parser)
    add_reading_options(parser)
    group = parser.add_argument_group("scores")
    group.add_argument(
        "--pivot", default="en", metavar="L", help="language the others are compared with (default: en)"
    )
    group.add_argument(
        "--pairs", default="pivot", choices=["pivot", "all"], help="only with the pivot, or all pairs"
    )
    group.add_argument(
        "--metrics", type=comma_list, metavar="M,M", help="see `repalign list metrics`, or FILE.py:NAME"
    )
    group.add_argument(
        "--variants", type=comma_list, default=["raw", "centred"], metavar="V,V", help="default: raw,centred"
    )
    group.add_argument("--control", type=comma_list, default=[], metavar="C,C", help="further controls, each a pass over the model: "
                       "random (a twin with random weights), unshared (without tokens that translations share); "
                       "shared tokens and length are always controlled for")  # fmt: skip
    group.add_argument("--probe", action="store_true", help="also train language probes (slow at many dims)")
    group.add_argument("--draws", type=positive, default=1000, help="bootstrap draws (default: 1000)")
    group.add_argument("--seed", type=int, default=0)
    output = parser.add_argument_group("output")
    output.add_argument("--out", type=Path, metavar="DIR", help="folder of results (default: out/NAME)")
    output.add_argument(
        "--reducer", default="pca", help="map of the semantic space: pca (default), umap, tsne, mds"
    )
    output.add_argument("--no-report", action="store_true", help="write the tables only")


def run_analysis(
    args: argparse.Namespace,
    checkpoints: Sequence[Checkpoint],
    corpus: ParallelCorpus,
    title: str,
    compare: bool,
) -> list[Path]:
    """Extract, score, draw, save; the folder gets its files at the end, each whole."""
    out = writable(args.out or Path("out") / title.replace("/", "-").replace(" ", "-"))
    check_names(args, corpus)
    from repalign.checkpoints.loading import one_base
    from repalign.extraction import extract

    with one_base():
        states = [
            extract(ckpt, corpus, pooling=args.pooling, **reading_options(args)) for ckpt in checkpoints
        ]
    key = fingerprint(args, states)
    if (results := saved_under(key, out)) is None:
        say(
            f"scoring {len(states[0].layers)} layers x {len(corpus.languages)} languages x {states[0].sentences} sentences"
        )
        results = score(args, checkpoints, states, title, compare)
        results.about["key"] = key
    print_table(results.profile, compare)
    paths = results.save(out)
    if not args.no_report:
        from repalign.report import Report

        paths.append(Report(results).write(out / "report.html"))
    return paths


def fingerprint(args: argparse.Namespace, states: Sequence[LayerStates]) -> str:
    """SHA-256 over all that decides the results: the states, the options, and this package's code."""
    no_matter = {"run", "argv", "out", "no_report", "no_train", "ckpt", "baseline", "checkpoint"}
    options = {name: value for name, value in vars(args).items() if name not in no_matter}
    package = Path(__file__).parents[1]
    code = (path.read_bytes() for path in sorted(package.rglob("*.py")))
    return digest(
        [*(str(one.signature) for one in states), json.dumps(options, sort_keys=True, default=str), *code]
    )


def saved_under(key: str, out: Path) -> Results | None:
    """The results in a folder when they are just those asked for: the same command again only draws again."""
    from repalign.results import Results

    if not (out / "profile.json").is_file():
        return None
    try:
        results = Results.load(out)
    except (RepalignError, OSError, ValueError, KeyError):  # damaged or of another version: made anew
        return None
    return results if results.about.get("key") == key else None


def check_names(args: argparse.Namespace, corpus: ParallelCorpus) -> None:
    """Near misses are told before a model is loaded.

    Raises:
        RepalignError: an unknown metric, variant, reducer or pivot, or a corpus of one language.
    """
    from repalign.metrics import find
    from repalign.reducers import REDUCERS
    from repalign.scoring.variants import variant

    if len(corpus.languages) < 2:
        raise RepalignError(
            f"one language ({', '.join(corpus.languages)}) cannot be aligned with itself; give two or more in --langs"
        )
    for name in args.metrics or ():
        find(name)
    for name in args.variants:
        variant(name)
    for name in args.control:
        if name not in CONTROLS:
            raise unknown("control", name, CONTROLS)
    REDUCERS[args.reducer]
    corpus.select([args.pivot])


def score(
    args: argparse.Namespace,
    checkpoints: Sequence[Checkpoint],
    states: Sequence[LayerStates],
    title: str,
    compare: bool,
) -> Results:
    """All tables of a report."""
    from repalign import scoring
    from repalign.results import Results

    request: dict[str, Any] = {
        "source": args.pivot,
        "metrics": args.metrics or scoring.DEFAULT,
        "draws": args.draws,
        "seed": args.seed,
    }
    scores = scoring.profile(states, variants=args.variants, pairs=args.pairs, **request)
    if compare:
        scores = scores.joined(scoring.contrast(*states, variants=args.variants, pairs=args.pairs, **request))
    tables = {} if args.stream else tables_beside(args, checkpoints, states, scores, request, compare)
    about = {
        "command": shlex.join(["repalign", *args.argv]),
        "versions": {"repalign": __version__, **{name: version(name) for name in VERSIONED}},
        "manifest": states[0].about,
    }
    return Results(title, scores, tables, about)


def tables_beside(
    args: argparse.Namespace,
    checkpoints: Sequence[Checkpoint],
    states: Sequence[LayerStates],
    scores: LayerProfile,
    request: dict[str, Any],
    compare: bool,
) -> dict[str, pd.DataFrame]:
    """What is drawn beside the curves; names and columns stand in `repalign.results.TABLES`."""
    import pandas as pd

    from repalign import scoring
    from repalign.projection import project, sentence_table

    pivot_pairs = [(args.pivot, language) for language in states[0].languages if language != args.pivot]
    by_checkpoint = {
        "geometry": [scoring.geometry(one) for one in states],
        "identity": [
            scoring.identity(one, source=args.pivot, probe=args.probe, draws=args.draws, seed=args.seed)
            for one in states
        ],
        "neighbours": [scoring.neighbours(one, pivot_pairs) for one in states],
        "controls": [control(args, *pair, request) for pair in zip(checkpoints, states, strict=True)],
    }
    tables = {name: pd.concat(parts, ignore_index=True) for name, parts in by_checkpoint.items()}
    tables["map"] = project(states, reducer=args.reducer, source=args.pivot, seed=args.seed)
    tables["sentences"] = sentence_table(states[0])
    if args.pairs == "all":
        own = scores.where(baseline=None)
        tables["languages"], tables["tree"] = scoring.language_tree(own)
    if compare:
        tables["drift"] = scoring.drift(*states, draws=args.draws, seed=args.seed)
        tables["layer_cka"] = scoring.layer_cka(*states)
    return tables


def control(
    args: argparse.Namespace, checkpoint: Checkpoint, states: LayerStates, request: dict[str, Any]
) -> pd.DataFrame:
    """What the scores would be without meaning: see `repalign.scoring.controls`."""
    from repalign.checkpoints import random_twin
    from repalign.scoring import controls

    reread = partial(extract_again, args, states)
    return controls(
        states,
        twin=reread(random_twin(checkpoint)) if "random" in args.control else None,
        unshared=reread(checkpoint, unshared=True) if "unshared" in args.control else None,
        variants=args.variants[-1:],
        **request,
    )


def extract_again(
    args: argparse.Namespace, states: LayerStates, checkpoint: Checkpoint, **changes: bool
) -> LayerStates:
    """States of the same sentences, read in the same way but for one change."""
    from repalign.corpora import ParallelCorpus
    from repalign.extraction import extract

    corpus = ParallelCorpus(states.signature.corpus, states.texts)
    return extract(checkpoint, corpus, pooling=args.pooling, **reading_options(args), **changes)


def print_table(profile: LayerProfile, compare: bool) -> None:
    """Best layer by pair and metric, in the last variant, on stderr: stdout is for the paths."""
    table = profile.table[profile.table["baseline"].notna() == compare]
    table = table[table["variant"] == table["variant"].iloc[-1]]
    pair = [frozenset(ends) for ends in zip(table["source"], table["target"], strict=True)]
    # Both directions of a retrieval score stand as one: their mean, significant where both are.
    both = table.groupby(["checkpoint", "metric", pair, "layer"], sort=False).agg(
        source=("source", "first"),
        target=("target", "first"),
        value=("value", "mean"),
        p=("p_adjusted", "max"),
    )
    kind = "largest difference" if compare else "best layer"
    for checkpoint, rows in both.groupby("checkpoint", sort=False):
        metrics = list(dict.fromkeys(rows.index.get_level_values("metric")))
        lines = [f"{checkpoint}, {table['variant'].iloc[0]}: {kind} (* p < .05 after correction)"]
        lines.append(" " * 8 + "".join(f"{metric:>16}" for metric in metrics))
        for _, ends in rows.groupby(level=2, sort=False):
            cells = [_best(ends.xs(metric, level="metric")) for metric in metrics]
            lines.append(
                f"{ends['source'].iloc[0]}-{ends['target'].iloc[0]:5}"
                + "".join(f"{cell:>16}" for cell in cells)
            )
        print("\n".join(lines), file=sys.stderr)


def _best(layers: pd.DataFrame) -> str:
    row = layers.loc[layers["value"].idxmax()]
    layer = layers["value"].idxmax()[-1]
    return f"{row['value']:.3f} at {layer:2}{'*' if row['p'] < 0.05 else ' '}"
