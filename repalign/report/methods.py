"""The methods section of a paper, from what is saved with the results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from repalign.corpora.languages import language_name
from repalign.report.about import read, read_from
from repalign.report.findings.verdicts import CLAIM
from repalign.report.findings.words import correction, count_of, joined, listing
from repalign.report.references import sources

if TYPE_CHECKING:
    from repalign.figures.view import View

VARIANTS = {
    "raw": "states as extracted (raw)",
    "centred": "centred states (from each state the mean of its language over other sentences is subtracted)",
    "standardised": "standardised states (centred, and divided by each dim's standard deviation over other sentences)",
    "no-outlier-dims": "states without the dims of the largest mean",
    "no-top-pcs": "centred states without the first principal directions of other sentences",
    "length-partialled": "states with sentence length regressed out",
    "length-matched": "the half of the sentences with the most typical length ratio",
}

CONTROLS = {
    "bag-of-tokens": "token counts weighted by inverse document frequency, without a model (shared tokens)",
    "random-weights": "the same architecture with random weights",
    "same-document": "another sentence of the same document in place of the translation",
    "unshared-tokens": "states pooled over only those tokens that the translation does not contain",
    "length-matched": "the half of the sentences with the most typical length ratio",
    "length-partialled": "states with sentence length regressed out",
}

POOLINGS = {
    "mean": "the mean over the sentence's tokens, without the beginning-of-sequence token and the template",
    "mean-all": "the mean over all tokens but padding",
    "last": "the state of its last token",
    "weighted": "the position-weighted mean over all tokens but padding",
    "max": "the largest value of each dim over its tokens",
}

SITES = {
    "resid": "the residual stream after each block (layer 0: before the first)",
    "embed": "the input of the first block",
    "attn": "the output of each block's attention",
    "mlp": "the output of each block's MLP",
    "mlp-act": "the activations inside each block's MLP",
    "final": "the output of the final norm",
}


def methods(view: View) -> str:
    """One paragraph: checkpoints, corpus, hidden states, metrics, tests, intervals, controls, versions."""
    parts = (
        _data(view),
        _states(view),
        _metrics(view),
        _tests(view),
        _best(view),
        _controls(view),
        _versions(view),
    )
    return " ".join(filter(None, parts))


def _data(view: View) -> str:
    profile, settings = view.results.profile, view.results.profile.settings
    rows = view.scored
    weights = read_from(profile.signatures)
    checkpoints = [
        f"{name} (weights {weights[name].weights})" if name in weights else name for name in view.checkpoints
    ]
    texts = dict.fromkeys(one.text for one in weights.values())
    corpus = (
        f"{view.corpus} (text {listing([str(text) for text in texts])})"
        if view.corpus and texts
        else view.corpus
    )
    documents = settings.get("documents")
    size = f"{count_of(rows['sentences'])} parallel sentences"
    size += f" in {documents:,} documents" if documents else ", whose documents are unknown"
    languages = listing([language_name(name) for name in view.targets])
    return (
        f"We measured the cross-lingual alignment of {languages} with {language_name(view.pivot)} in "
        f"{listing(checkpoints)}, on {f'the corpus {corpus}: ' if corpus else ''}{size} (duplicates counted once)."
    )


def _states(view: View) -> str:
    rows = view.scored
    layers = sorted(rows["layer"].unique())
    how = read(view.results.profile.signatures)
    if not how:
        return ""
    site, pooling = how.get("site", ""), how.get("pooling", "")
    template = f"the prompt template {how['template']}" if "template" in how else "no prompt template"
    return (
        f"Hidden states in {how.get('dtype', 'unknown precision')} were read from {SITES.get(site, f'the site {site}')} at "
        f"{joined(len(layers), 'layer')} ({layers[0]} to {layers[-1]}), with {template}, and each sentence was represented by "
        f"{POOLINGS.get(pooling, f'the pooling {pooling}')}."
    )


def _metrics(view: View) -> str:
    choices = [
        *view.choices("scores", "metric", "variant"),
        *view.choices("differences", "metric", "variant"),
    ]
    named = []
    for metric in dict.fromkeys(one["metric"] for one in choices):
        cited = "; ".join(one.cited for one in sources(metric))
        named.append(f"{view.label(metric)}{f' ({cited})' if cited else ''}")
    variants = [VARIANTS.get(name, name) for name in dict.fromkeys(str(one["variant"]) for one in choices)]
    return f"Metrics were {listing(named)}, on {listing(variants)}."


def _tests(view: View) -> str:
    settings = view.results.profile.settings
    documents = settings.get("documents") is not None
    within = " within documents" if documents else ""
    units = "documents" if documents else "sentences"
    method = {"bca": "BCa", "percentile": "percentile"}.get(settings.get("interval", ""), "bootstrap")
    paired = len(view.rows("differences")) > 0
    pairs = "" if documents else ", score intervals for means over pairs of sentences"
    parts = [
        f"Scores were tested against shuffled translations{within}: by closed forms where these exist, otherwise by "
        f"{settings.get('permutations', 'an unknown number of')} permutations; p-values were adjusted over layers and "
        f"languages for each metric and variant ({correction(view)}).",
        f"Intervals are {100 * settings.get('confidence', 0.95):g}%: Wilson's for shares of sentences{pairs}, otherwise {method} "
        f"bootstrap intervals with {settings.get('draws', 0):,} draws over {units}.",
    ]
    if paired:
        parts.append(
            "Differences between checkpoints were paired on the same sentences (for shares: exact tests, Tango's intervals)."
        )
    return " ".join(parts)


def _best(view: View) -> str:
    if view.rows("peaks").empty and view.rows("changes").empty:
        return ""
    return (
        "Best layers were chosen on two thirds of the data and scored on the rest (cross-fitted, averaged over four random "
        "partitions)."
    )


def _controls(view: View) -> str:
    rows = view.rows("controls")
    if rows.empty:
        return "No controls were computed."
    used = dict.fromkeys(rows["control"].astype(str))
    known = [f"{name}: {CONTROLS[name]}" if name in CONTROLS else name for name in used]
    return (
        f"Controls: {'; '.join(known)}. A language is called aligned if its adjusted p is below {CLAIM:g}, the interval of its "
        "best layer excludes chance, and no control accounts for the score."
    )


def _versions(view: View) -> str:
    about: Mapping[str, Any] = view.results.about
    versions = about.get("versions") or {}
    named = listing([f"{name} {number}" for name, number in versions.items()]) if versions else "repalign"
    date = f" on {about['date']}" if about.get("date") else ""
    return f"Computed{date} with {named} (seed {view.results.profile.settings.get('seed', 'unknown')})."
