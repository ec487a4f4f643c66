"""A custom metric: `repalign check-metric nearest_l1.py` runs the tests that every built-in metric passes."""

import torch

from repalign import metric


@metric(label="P@1 by L1", bounds=(0, 1), symmetric=False, reference="this file")
def nearest_l1(pair):
    """Whether the translation of a sentence is nearer, by L1 distance, than every other sentence: one score per sentence.

    `pair.source.states` and `pair.target.states` are float tensors [sentence, dim] of two languages at one layer; row i
    of both is the same sentence.
    """
    distance = torch.cdist(pair.source.states.double(), pair.target.states.double(), p=1)
    translation = distance.diagonal().clone()
    distance.fill_diagonal_(torch.inf)
    return (translation < distance.amin(dim=1)).double()
