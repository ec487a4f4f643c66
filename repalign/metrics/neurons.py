"""Neuron states: do a sentence and its translation activate the same neurons?

For the activations of MLP neurons (`--site mlp-act`), whose sign and size have a meaning; in the residual stream 0 is an
arbitrary point.
"""

from __future__ import annotations

from repalign.metrics.metric import Scores, metric
from repalign.metrics.pair import LayerPair, Representation
from repalign.metrics.retrieval import mutual_matches

NEURONS = ("scale", "joint permutation")


def active(representation: Representation) -> Representation:
    """1 where a neuron is active (above 0), else 0."""
    return Representation((representation.states > 0).to(representation.states.dtype))


def strength(representation: Representation) -> Representation:
    """How strongly each neuron acts, whatever its sign."""
    return Representation(representation.states.abs())


@metric(
    label="NeuronXA (active)",
    bounds=(0, 1),
    reference="arXiv:2507.14900",
    identical=None,
    invariances=NEURONS,
)
def nasca(pair: LayerPair) -> Scores:
    """NeuronXA on which neurons are active: share of sentences whose translation is strictly the nearest both ways.

    Formula:
        MEXA on the cosines of 1[state > 0].

    Fails:
        Sentences with the same active neurons are ties, so with few dims even identical languages score below 1.

    Use it with `--site mlp-act --pooling weighted`. The paper asks of every token whether a neuron is active and
    averages that, weighted by position; here the pooled activation is asked.
    """
    return mutual_matches(LayerPair(pair.source.once(active), pair.target.once(active), pair.documents))


@metric(
    label="NeuronXA (strength)",
    bounds=(0, 1),
    reference="arXiv:2507.14900",
    chance=lambda sentences, dims: 1 / (2 * sentences - 1),
    invariances=NEURONS,
)
def navca(pair: LayerPair) -> Scores:
    """NeuronXA on how strongly neurons act: share of sentences whose translation is strictly the nearest both ways.

    Formula:
        MEXA on the cosines of |state|.

    Fails:
        Blind to sign: opposite states are the same to it. All values are positive, so they share a cone.

    Use it with `--site mlp-act --pooling weighted`. The paper takes the absolute value of every token before it
    averages; here that of the pooled activation is taken.
    """
    return mutual_matches(LayerPair(pair.source.once(strength), pair.target.once(strength), pair.documents))
