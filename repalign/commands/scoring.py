"""All tables of a `layers` or `compare` report, by the command line's options."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from repalign.commands.options import reading_options
from repalign.version import __version__

if TYPE_CHECKING:
    import pandas as pd

    from repalign.checkpoints import Checkpoint
    from repalign.results.profile import LayerProfile
    from repalign.results.results import Results
    from repalign.states.layer_states import LayerStates

VERSIONED = ("torch", "transformers", "numpy", "scikit-learn")


def score(
    args: argparse.Namespace,
    checkpoints: Sequence[Checkpoint],
    states: Sequence[LayerStates],
    title: str,
    compare: bool,
) -> Results:
    """All tables of a report."""
    from repalign import scoring
    from repalign.results.results import Results

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
    """What is drawn beside the curves; names and columns stand in `repalign.results.schema.RESULTS`."""
    import pandas as pd

    from repalign import scoring
    from repalign.maps.projection import project, sentence_table

    pivot_pairs = [(args.pivot, language) for language in states[0].languages if language != args.pivot]
    by_checkpoint = {
        "geometry": [scoring.geometry(one) for one in states],
        "separation": [
            scoring.separation(one, source=args.pivot, probe=args.probe, draws=args.draws, seed=args.seed)
            for one in states
        ],
        "confusions": [scoring.confusions(one, pivot_pairs) for one in states],
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
    from repalign.states.extraction import extract

    corpus = ParallelCorpus(states.signature.corpus, states.texts)
    return extract(checkpoint, corpus, pooling=args.pooling, **reading_options(args), **changes)
