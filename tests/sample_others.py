"""Made-up evaluations, looks inside and quantised versions, with every table."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
from factories import complete

from repalign.evaluation.alignment import adjusted, over_languages
from repalign.evaluation.consistency import consistency
from repalign.evaluation.items import Item
from repalign.evaluation.judges import find_judge
from repalign.evaluation.scores import measure, score_table
from repalign.evaluation.wins import win_rates
from repalign.results.evaluation import Evaluation
from repalign.results.inside import Inside
from repalign.results.quantisation import Quantisation
from repalign.results.schema import EVALUATION, QUANTISATION


def sample_evaluation(hostile: str = "") -> Evaluation:
    """Two checkpoints on made-up questions in five languages, with every table."""
    languages = ("en", "ar", "el", "hi", "zh")
    items = {
        language: [
            Item(str(row), language, "Which word?", hostile, (f"{language}{row}",)) for row in range(12)
        ]
        for language in languages
    }
    said = {
        name: {
            language: [f"{language}{row if row < right + place else 0}" for row in range(12)]
            for place, language in enumerate(languages)
        }
        for name, right in (("alpaca", 2), ("m-llama", 6))
    }
    measured = {name: {"exact": measure("exact", items, own)} for name, own in said.items()}
    scores = score_table(measured, items, draws=50)
    rows = [
        {"checkpoint": name, "language": language, "item": item.id, "instruction": item.instruction,
         "input": item.input, "reference": item.references[0], "answer": said[name][language][row] + hostile}
        for name in said for language in languages for row, item in enumerate(items[language])
    ]  # fmt: skip
    right = [100.0 * (row["answer"] == row["reference"] + hostile) for row in rows]
    choices = [
        {"checkpoint": name, "language": language, "item": "0", "choice": letter + hostile, "loglikelihood": -2.5}
        for name in said for language in languages for letter in "ABCD"
    ]  # fmt: skip
    spoken = [
        {"checkpoint": name, "asked": asked, "answered": answered, "count": 6, "share": 0.5}
        for name in ("references", *said)
        for asked in languages
        for answered in (asked, None)
    ]
    same = [consistency(items, own, draws=50).assign(checkpoint=name) for name, own in said.items()]
    wins = win_rates(items, *said.values(), find_judge("exact"))
    own = scores[scores["baseline"].isna() & scores["language"].notna()].rename(columns={"value": "score"})
    alignment = own.assign(metric="mexa", layer=3, alignment=[0.1 * row for row in range(10)])
    return Evaluation(
        "m-llama against alpaca on words",
        dict.fromkeys(said, "name@1234|words#5678"),
        {
            "scores": scores,
            "answers": complete(EVALUATION["answers"], rows).assign(exact=right),
            "choices": complete(EVALUATION["choices"], choices),
            "answer_languages": pd.DataFrame(spoken).astype({"answered": "string"}),
            "consistency": pd.concat(same),
            "wins": wins.assign(checkpoint="m-llama", baseline="alpaca", judge="exact"),
            "alignment": alignment[EVALUATION["alignment"].names],
            "correlations": adjusted(over_languages(alignment, draws=50)),
        },
        settings={"scorers": {"exact": "words"}, "labels": {"exact": "exact match"}, "truncated": {}},
    )


def sample_inside(name: str = "m") -> Inside:
    """One checkpoint of four blocks and three languages, with every table."""
    languages = ["en", "zh", "ar"]
    generator = np.random.default_rng(0)

    def spread(rows, columns):
        table = pd.DataFrame(rows, columns=columns).assign(checkpoint=name, depth=0.5, sentences=50)
        value = generator.uniform(0, 0.5, len(table))
        return table.assign(value=value, low=value - 0.1, high=value + 0.1)

    measures = [*(("probability", language) for language in languages), ("entropy", None)]
    lens = [
        (text, layer, *measure) for text, layer, measure in itertools.product(languages, range(5), measures)
    ]
    neurons = pd.DataFrame(
        {
            "layer": [1, 1, 3],
            "neuron": [4, 9, 2],
            "language": ["en", "zh", "ar"],
            "checkpoint": name,
            "depth": 0.5,
            "entropy": 0.1,
            "rate": 0.6,
            "elsewhere": 0.1,
        }
    )
    changes = [
        *(("neurons", of, np.nan, text, "loss") for of, text in itertools.product(languages, languages)),
        *(
            ("subspace", None, layer, text, outcome)
            for layer, text, outcome in itertools.product((1, 2, 3), languages, ("loss", "own", "p_at_1"))
        ),
        *(
            ("steering", of, layer, of, outcome)
            for layer, of, outcome in itertools.product((1, 2, 3), languages[1:], ("own", "pivot"))
        ),
    ]
    taken = spread(changes, ["intervention", "of", "layer", "language", "outcome"])
    taken = taken.assign(
        size=3,
        baseline=1.0,
        control=0.01,
        control_low=0.0,
        control_high=0.02,
        p=0.01,
        p_adjusted=0.048,
        controls=20,
    )
    return Inside(
        title=f"{name} inside",
        signatures={name: "signature"},
        tables={
            "lens": spread(lens, ["language", "layer", "measure", "toward"]),
            "neurons": neurons,
            "interventions": taken,
        },
        settings={
            "pivot": "en",
            "languages": languages,
            "checkpoints": {name: {"tokens": dict.fromkeys(languages, 7), "notes": ["a note"]}},
        },
    )


def sample_quantisation(base: str = "bf16", versions: tuple[str, ...] = ("q8", "q2")) -> Quantisation:
    """Versions of a model of four blocks in three languages, the last of which breaks Chinese, with every table."""
    languages, generator = ["en", "zh", "ar"], np.random.default_rng(0)
    units = ["nats_per_token", "nats_per_sentence", "nats_per_character", "nats_per_byte"]
    ranked = ["nats_per_token", "nats_per_sentence", "share_of_loss"]

    def between(value: float) -> dict[str, float]:
        return {"value": value, "low": value - 0.05, "high": value + 0.05}

    losses, ranking, drift, alignment = [], [], [], []
    for name, language in itertools.product([base, *versions], languages):
        row = {"checkpoint": name, "language": language, "tokens": 900, "sentences": 50}
        losses += [row | {"measure": unit} | between(4 + generator.uniform()) for unit in units]
    for place, (name, language) in enumerate(itertools.product(versions, languages)):
        of = {"checkpoint": name, "baseline": base, "language": language}
        breaks = name == versions[-1] and language == "zh"
        for kind in (*units, "share_of_loss"):
            p = {"p": 0.001, "p_adjusted": 0.006} if breaks else {"p": 0.4, "p_adjusted": 1.0}
            losses.append(
                of | {"tokens": 900, "sentences": 50, "measure": kind} | between(0.6 if breaks else 0.01) | p
            )
        for kind in ("kl", "same_top"):
            losses.append(
                of | {"tokens": 900, "sentences": 50, "measure": kind} | between(0.1 + 0.1 * (place // 3))
            )
        rank = 1 + ["zh", "en", "ar"].index(language)
        behind = (
            {"behind": 0.1, "low": -0.1, "high": 0.3, "p": 0.2, "p_adjusted": 0.4}
            if rank > 1
            else {"behind": 0.0}
        )
        ranks = {"rank": rank, "rank_low": 1, "rank_high": 3, "value": 0.3 - 0.1 * rank}
        ranking += [of | {"measure": kind} | ranks | behind for kind in ranked]
        for layer, kind in itertools.product(range(5), ("cka", "cosine")):
            drift.append(
                of | {"layer": layer, "depth": layer / 4, "measure": kind} | between(0.9 - 0.1 * layer)
            )
    for name, other, layer, metric in itertools.product(
        [base, *versions], languages[1:], range(5), ("mexa", "p_at_1")
    ):
        row = {
            "checkpoint": name, "metric": metric, "variant": "centred", "source": "en", "target": other, "layer": layer,
            "depth": layer / 4, "sentences": 50,
        }  # fmt: skip
        alignment.append(row | {"p": 0.01, "p_adjusted": 0.02} | between(0.5))
        if name != base:
            alignment.append(row | {"baseline": base, "p": 0.01, "p_adjusted": 0.02} | between(-0.1))
    rows = {"losses": losses, "ranking": ranking, "state_drift": drift, "alignment_by_layer": alignment}
    return Quantisation(
        title=f"{base} to {versions[-1]}",
        signatures=dict.fromkeys([base, *versions], "signature"),
        tables={name: QUANTISATION[name].frame(of) for name, of in rows.items()},
        settings={
            "base": base, "order": list(versions), "pivot": "en", "languages": languages, "documents": 20,
            "saved_as": {base: "", **{name: name.upper() for name in versions}}, "notes": ["a note"],
        },
    )  # fmt: skip
