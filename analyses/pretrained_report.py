"""The report of `pretrained.py`: figures/pretrained.json, .svg and .md from saved scores and answers, without a model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
from demo_family import FIGURES
from pretrained_plan import BASE, TWIN, Plan, baselines, questions
from repalign_training.data.dataset import read_parts
from repalign_training.data.leakage import leaked

from repalign import RepalignError, Results
from repalign.checkpoints import Card
from repalign.evaluation.answering import Answers
from repalign.evaluation.defaults import choose_scorers
from repalign.evaluation.items import Item
from repalign.evaluation.scores import measure
from repalign.evaluation.tables import evaluation_tables
from repalign.figures import draw, export
from repalign.models.generation import Answer

GROUPS = {"xquad": "xquad", "en-x": "translation", "x-en": "translation"}
"""What is averaged over languages -> the task of its answers."""

Grouped = Mapping[str, Sequence[Item]]


def report(plan: Plan) -> None:
    """Write the figures, from as many runs as are finished.

    Raises:
        RepalignError: no run was measured or answered.
    """
    scores, profiles = evaluations(plan), alignments(plan)
    FIGURES.mkdir(exist_ok=True)
    figures = {
        "runs": {run: trained(plan, run) for run in plan.runs if plan.finished(run)},
        "alignment": {
            metric: by_layer(profiles, metric) for metric in profiles[0].profile.settings["labels"]
        },
        "peaks": rows(pd.concat([one.profile.peaks for one in profiles])),
        **{name: rows(table) for name, table in scores.items()},
        "signatures": {name: text for one in profiles for name, text in one.profile.signatures.items()},
        "settings": profiles[0].profile.settings,
    }
    (FIGURES / "pretrained.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    table = summary(figures)
    (FIGURES / "pretrained.md").write_text(table + "\n", encoding="utf-8")
    own = profiles[0].profile
    for other in profiles[1:]:
        own = own.joined(other.profile.where(baseline=None))
    export(draw("series", Results("pretrained", own), metric="mexa"), FIGURES / "pretrained.svg")
    print(table)


def alignments(plan: Plan) -> list[Results]:
    """What `measure` saved, the base first."""
    folders = [plan.out / "alignment" / run for run in (BASE, *plan.runs, TWIN)]
    saved = [Results.load(folder) for folder in folders if (folder / "profile.parquet").is_file()]
    if not saved:
        raise RepalignError(f"no alignment in {plan.out}; run the stage measure first")
    return saved


def by_layer(profiles: Sequence[Results], metric: str) -> dict[str, dict[str, list[float]]]:
    """Mean of both directions: language -> run -> one value a layer."""
    scores = pd.concat([one.profile.where(metric=metric, baseline=None).table for one in profiles])
    language = scores["target"].where(scores["source"] == "en", scores["source"])
    values = scores.groupby([language.rename("language"), "checkpoint", "layer"], sort=False)["value"].mean()
    curves: dict[str, dict[str, list[float]]] = {}
    for (name, run), curve in values.groupby(level=[0, 1], sort=False):
        curves.setdefault(name, {})[run] = curve.round(4).tolist()
    return curves


def trained(plan: Plan, run: str) -> dict[str, Any]:
    """What a run took, and how many sentences of NTREX-128 share a run of words with its text."""
    card: Any = Card.read(plan.folder(run))
    items = [item for part in read_parts(plan.runs[run])[0] for item in part]
    return {
        "tokens": card.tokens,
        "seconds": card.seconds,
        "steps": card.steps,
        "losses": card.losses,
        "leaked": {language: len(seen) for language, seen in leaked(plan.corpus, items).items()},
    }


def evaluations(plan: Plan) -> dict[str, pd.DataFrame]:
    """Tables of the answers: scores with differences from the baselines, answer_languages, consistency.

    Raises:
        RepalignError: nothing was answered yet, or other questions than those that the data hold.
    """
    tables: dict[str, list[pd.DataFrame]] = {"scores": [], "answer_languages": [], "consistency": []}
    asked = {task: questions(plan, task) for task in dict.fromkeys(GROUPS.values())}
    for group, task in GROUPS.items():
        items = of_group(group, asked[task])
        answers = dict(saved_answers(plan, task, items))
        scorers = choose_scorers(task)
        measured = {
            run: {scorer: measure(scorer, items, given.texts) for scorer in scorers}
            for run, given in answers.items()
        }
        for run in answers:
            for other in [None, *(one for one in baselines(run) if one in answers)]:
                names = [run] if other is None else [other, run]
                found = evaluation_tables(
                    items, {name: answers[name] for name in names}, {name: measured[name] for name in names},
                    profile=None, detect=other is None, draws=1000, seed=0,
                )  # fmt: skip
                if other is not None:
                    found = {"scores": found["scores"].dropna(subset=["baseline"])}
                for name in tables.keys() & found.keys():
                    tables[name].append(found[name].assign(task=group))
    if not tables["scores"]:
        raise RepalignError(f"no answers in {plan.out}; run the stage answer first")
    joined = {name: pd.concat(parts, ignore_index=True) for name, parts in tables.items() if parts}
    return {name: table.drop_duplicates(ignore_index=True) for name, table in joined.items()}


def of_group(group: str, items: Grouped) -> Grouped:
    """The questions of a group by language: of translation, those in one direction by the other language."""
    if group == "xquad":
        return items
    side = 1 if group == "en-x" else 0
    by_direction = {name.split("-")[side]: some for name, some in items.items()}
    return {language: some for language, some in by_direction.items() if language != "en"}


def saved_answers(plan: Plan, task: str, items: Grouped) -> Iterator[tuple[str, Answers]]:
    """Each run with its answers to these questions.

    Raises:
        RepalignError: there are more or fewer answers than questions.
    """
    for run in (BASE, *plan.runs):
        path = plan.out / "answers" / f"{task}.{run}.json"
        if not path.is_file():
            continue
        saved = json.loads(path.read_text(encoding="utf-8"))
        answers = {}
        for language, some in items.items():
            name = language if task == "xquad" else f"{some[0].source}-{some[0].language}"
            answers[language] = [Answer(**one) for one in saved["answers"][name]]
            if len(answers[language]) != len(some):
                raise RepalignError(
                    f"{path} answers {len(answers[language])} questions, not {len(some)}; give the same numbers as to the stage answer"
                )
        yield run, Answers(saved["signature"], answers)


def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A table as JSON: rounded, and without what is missing."""
    return [
        {
            key: round(value, 4) if isinstance(value, float) else value
            for key, value in row.items()
            if pd.notna(value)
        }
        for row in table.to_dict("records")
    ]


def summary(figures: Mapping[str, Any]) -> str:
    """A row for every run: scores, mean over languages with their interval, and alignment at its best layer."""
    columns = {"xquad": "f1", "en-x": "chrf", "x-en": "chrf"}
    means = {
        (one["checkpoint"], one["task"], one["scorer"]): _with_interval(one)
        for one in figures["scores"]
        if "language" not in one and "baseline" not in one
    }
    peaks = pd.DataFrame(figures["peaks"])
    if "baseline" in peaks:
        peaks = peaks[peaks["baseline"].isna()]
    best = peaks[peaks["metric"] == "mexa"].groupby("checkpoint", sort=False)["value"].mean()
    head = ["run", "XQuAD F1", "en to L, chrF++", "L to en, chrF++", "MEXA at the best layer"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for run, value in best.items():
        cells = [means.get((run, task, scorer), "–") for task, scorer in columns.items()]
        lines.append("| " + " | ".join([str(run), *cells, f"{value:.3f}"]) + " |")
    return "\n".join(lines)


def _with_interval(score: Mapping[str, Any]) -> str:
    """A score has no interval if no question has any influence on it, as where all are 0."""
    ends = f" ({score['low']:.1f} to {score['high']:.1f})" if {"low", "high"} <= score.keys() else ""
    return f"{score['value']:.1f}{ends}"
