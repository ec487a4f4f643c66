"""Made-up checkpoints whose languages align in the middle layers, and the results one would save of them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file

from repalign import scoring
from repalign.corpora import ParallelCorpus
from repalign.corpora.checks import check
from repalign.maps.projection import project, sentence_table
from repalign.results.results import Results
from repalign.results.table import Table
from repalign.states.layer_states import LayerStates

STRENGTH = {"base": 0.0, "alpaca": 0.35, "x-llama-zh": 0.7, "m-llama": 1.0}

SENTENCES = {
    "en": [
        "The train leaves at {n} o'clock.",
        "My sister bought {n} books yesterday.",
        "Is it raining in the north?",
        "Nobody closed the window.",
        "The child is reading under a tree.",
        "We drank tea after {n} hours.",
    ],
    "ar": [
        "يغادر القطار الساعة {n}.",
        "اشترت أختي {n} كتب أمس.",
        "هل تمطر في الشمال؟",
        "لم يغلق أحد النافذة.",
        "يقرأ الطفل تحت شجرة.",
        "شربنا الشاي بعد {n} ساعات.",
    ],
    "el": [
        "Το τρένο φεύγει στις {n}.",
        "Η αδερφή μου αγόρασε χθες {n} βιβλία.",
        "Βρέχει στον βορρά;",
        "Κανείς δεν έκλεισε το παράθυρο.",
        "Το παιδί διαβάζει κάτω από ένα δέντρο.",
        "Ήπιαμε τσάι μετά από {n} ώρες.",
    ],
    "hi": [
        "ट्रेन {n} बजे निकलती है।",
        "मेरी बहन ने कल {n} किताबें ख़रीदीं।",
        "क्या उत्तर में बारिश हो रही है?",
        "किसी ने खिड़की बंद नहीं की।",
        "बच्चा पेड़ के नीचे पढ़ रहा है।",
        "हमने {n} घंटे बाद चाय पी।",
    ],
    "tr": [
        "Tren saat {n}'de kalkıyor.",
        "Kız kardeşim dün {n} kitap aldı.",
        "Kuzeyde yağmur yağıyor mu?",
        "Pencereyi kimse kapatmadı.",
        "Çocuk bir ağacın altında okuyor.",
        "{n} saat sonra çay içtik.",
    ],
    "vi": [
        "Tàu khởi hành lúc {n} giờ.",
        "Hôm qua chị tôi mua {n} quyển sách.",
        "Ở miền bắc có mưa không?",
        "Không ai đóng cửa sổ.",
        "Đứa trẻ đang đọc sách dưới gốc cây.",
        "Chúng tôi uống trà sau {n} giờ.",
    ],
    "zh": [
        "火车{n}点出发。",
        "我妹妹昨天买了{n}本书。",
        "北方在下雨吗？",
        "没有人关窗户。",
        "孩子在树下看书。",
        "{n}个小时后我们喝了茶。",
    ],
}

SEVEN = tuple(SENTENCES)


def texts(sentences: int, languages: tuple[str, ...]) -> dict[str, list[str]]:
    made = {}
    for language in languages:
        frames = SENTENCES.get(language, SENTENCES["en"])
        made[language] = [frames[i % 6].format(n=i + 2) + f" ({i})" for i in range(sentences)]
    return made


@cache
def sample_states(
    checkpoint: str = "m-llama",
    strength: float = 1.0,
    languages: tuple[str, ...] = tuple(SENTENCES),
    layers: int = 9,
    sentences: int = 60,
    dim: int = 24,
) -> LayerStates:
    """Languages share a code of the meaning in the middle, as far as `strength` and their place say."""
    draw = np.random.default_rng(7)
    meaning = draw.normal(size=(sentences, dim))
    arrays = {}
    for place, language in enumerate(languages):
        own, home = draw.normal(size=(sentences, dim)), draw.normal(size=dim)
        noise = draw.normal(size=(layers, sentences, dim))
        hump = np.exp(-(((np.linspace(0, 1, layers) - 0.6) / 0.22) ** 2))
        share = strength * (1 - 0.5 * place / len(languages)) * hump[:, None, None]
        arrays[language] = (share * meaning + (1 - share) * own + 1.5 * home + 0.8 * noise).astype(np.float32)
    written = texts(sentences, languages)
    ids = {k: [np.array([ord(c) for c in text]) for text in v] for k, v in written.items()}
    tokens = {k: np.array([len(row) for row in v]) for k, v in ids.items()}
    states = LayerStates.from_arrays(
        arrays, checkpoint=checkpoint, corpus="sample", texts=written, token_counts=tokens
    )
    return replace(states, token_ids=ids, metadata=check(ParallelCorpus("sample", written)))


@cache
def sample_results(*names: str, **shape: object) -> Results:
    """All tables of one checkpoint, or of several, each compared with the one before."""
    made = [sample_states(name, STRENGTH[name], **shape) for name in names or ("m-llama",)]
    metrics, quick = ["mexa", "cka", "p_at_1", "cosine_gap"], {"draws": 200, "progress": False}
    scores = scoring.profile(made, metrics=metrics, **quick)
    for before, after in pairwise(made):
        scores = scores.joined(scoring.contrast(before, after, metrics=metrics, **quick))
    about = {
        "command": "repalign layers --ckpt " + " ".join(states.checkpoint for states in made),
        "versions": {"repalign": "0.1.0", "torch": "2.13"},
        "manifest": made[0].metadata,
    }
    title = " against ".join(states.checkpoint for states in made)
    return Results(title, scores, tables(made), about)


def complete(table: Table, rows: pd.DataFrame | list[dict]) -> pd.DataFrame:
    """Rows that name only some columns, with something in the others."""
    rows = pd.DataFrame(rows)
    empty = {"string": "", "category": "", "bool": True, "float32": np.nan, "float64": np.nan}
    missing = {one.name: empty.get(one.dtype, 0) for one in table.columns if one.name not in rows}
    return table.frame(rows.assign(**missing))


def tables(made: list[LayerStates]) -> dict[str, pd.DataFrame]:
    quick = {"draws": 100, "progress": False}
    trees = [
        scoring.language_tree(scoring.profile(one, metrics=["mexa"], pairs="all", **quick)) for one in made
    ]
    pairs = [("en", language) for language in made[0].languages[1:]]
    joined = {
        "geometry": [scoring.geometry(one, progress=False) for one in made],
        "separation": [scoring.separation(one, **quick) for one in made],
        "confusions": [scoring.confusions(one, pairs, limit=5) for one in made],
        "controls": [scoring.controls(one, metrics=["mexa", "cka"], **quick) for one in made],
        "languages": [languages for languages, _ in trees],
        "tree": [tree for _, tree in trees],
        "drift": [scoring.drift(a, b, **quick) for a, b in pairwise(made)],
        "layer_cka": [scoring.layer_cka(a, b, progress=False) for a, b in pairwise(made)],
    }
    found = {name: pd.concat(parts, ignore_index=True) for name, parts in joined.items() if parts}
    return found | {"map": project(made, progress=False), "sentences": sentence_table(made[0])}


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """Tensors of a saved model by their names."""
    return load_file(folder / "model.safetensors")
