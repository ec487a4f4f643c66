"""Made-up evaluations and looks inside, with every table."""

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
from repalign.results.schema import EVALUATION


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
