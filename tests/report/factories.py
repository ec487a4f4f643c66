"""Tables of scores, best layers and controls by hand, and what findings say of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from repalign.figures.view import View
from repalign.report.findings import Claim, Finding, findings
from repalign.results.profile import COLUMNS, LayerProfile
from repalign.results.results import Results
from repalign.results.schema import RESULTS

NAMES = {"cka": "CKA", "anc": "ANC", "p_at_1": "P@1", "mexa": "MEXA"}

SURE = (1.0, 1e-4, 0.4)
"""Adjusted p by layer: only layer 1 is significant."""
NO = (1.0, 0.3, 1.0)


def rows(target="zh", values=(0.0, 0.3, 0.05), p=SURE, **changes) -> list[dict]:
    """A language's scores, an interval of 0.04 to both sides, chance 0.01."""
    made = []
    for layer, (value, adjusted) in enumerate(zip(values, p, strict=True)):
        row = {
            "checkpoint": "tuned", "baseline": None, "metric": "mexa", "variant": "centred", "source": "en",
            "target": target, "layer": layer, "depth": layer / 2, "value": value, "low": value - 0.04,
            "high": value + 0.04, "chance": 0.01, "calibrated": (value - 0.01) / 0.99, "p": adjusted,
            "p_adjusted": adjusted, "sentences": 240,
        }  # fmt: skip
        made.append({**dict.fromkeys(COLUMNS, np.nan), **row, **changes})
    return made


def peak(target="zh", value=0.29, layers="1", over=(0.29, 0.24), p=1e-4, **changes) -> dict:
    """A language's best layer, 1: an interval of 0.04 to both sides of the value and of the differences to the ends."""
    ends = {
        f"over_{end}{side}": difference + step
        for end, difference in zip(("first", "last"), over, strict=True)
        for side, step in (("", 0), ("_low", -0.04), ("_high", 0.04))
    }
    (row,) = rows(target, (value,), (p,))
    row = {**row, "layer": 1, "layers": layers, "chosen_on_all": value, **ends, **changes}
    return {name: row[name] for name in RESULTS["peaks"].names}


def change(target="zh", values=(0.0, 0.2, 0.0), p=SURE, **changes) -> list[dict]:
    columns = {"baseline": "base", "chance": np.nan, "calibrated": np.nan, **changes}
    return rows(target, values, p, **columns)


def results(*parts: list[dict] | dict, tables: dict | None = None, corpus="everyday", **settings) -> Results:
    """Lists are scores of a language, dictionaries its best layers."""
    table = pd.DataFrame([row for part in parts if isinstance(part, list) for row in part])
    best = [part for part in parts if isinstance(part, dict)]
    peaks = RESULTS["peaks"].frame(best) if best else None
    signature = f"tuned@1|{corpus}#2|raw"
    profile = LayerProfile(table[list(COLUMNS)], {"tuned": signature}, {"pivot": "en", **settings}, peaks)
    return Results("x", profile, tables or {})


def said(*parts: list[dict] | dict, **options) -> dict[str, list[Finding]]:
    found = findings(View(results(*parts, **options)))
    return {word: [f for f in found if f.question == word] for word in ("where", "changed", "sure")}


def controls(*parts: list[dict], control="bag-of-tokens") -> dict[str, pd.DataFrame]:
    return {"controls": pd.DataFrame([row for part in parts for row in part]).assign(control=control)}


def bags(*languages: str, value=0.1) -> dict[str, pd.DataFrame]:
    return controls(*(rows(language, (value,) * 3) for language in languages or ("zh",)))


def words(found: list[Finding]) -> str:
    return " ".join(f.text for f in found)


def claimed(found: dict[str, list[Finding]] | list[Finding], kind: str) -> list[Claim]:
    every = found if isinstance(found, list) else [one for part in found.values() for one in part]
    return [claim for one in every for claim in one.claims if claim.kind == kind]
