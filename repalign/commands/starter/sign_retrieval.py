"""A custom metric: `repalign check-metric sign_retrieval.py` runs the tests that every built-in metric passes."""

from repalign import metric


@metric(label="P@1 by signs", bounds=(0, 1), reference="this file")
def sign_retrieval(pair):
    """Whether a sentence agrees with its translation in the signs of more dimensions than with any other: one score per sentence.

    `pair.source.states` and `pair.target.states` are float tensors [sentence, dim] of two languages at one layer; row i
    of both is the same sentence.
    """
    agreement = pair.source.states.sign().double() @ pair.target.states.sign().double().T
    translation = agreement.diagonal().clone()
    agreement.fill_diagonal_(float("-inf"))
    return (translation > agreement.amax(dim=1)).double()
