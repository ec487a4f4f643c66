"""Made-up checkpoints whose languages meet in the middle layers, and the results one would save of them."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import pandas as pd
from scipy.stats import binom, norm

from repalign.profiles import COLUMNS, LayerProfile
from repalign.projection import project, sentence_table
from repalign.results import Results
from repalign.states import LayerStates

SENTENCES = {
    "en": ["The train leaves at {n} o'clock.", "My sister bought {n} books yesterday.", "Is it raining in the north?",
           "Nobody closed the window.", "The child is reading under a tree.", "We drank tea after {n} hours."],
    "ar": ["يغادر القطار الساعة {n}.", "اشترت أختي {n} كتب أمس.", "هل تمطر في الشمال؟",
           "لم يغلق أحد النافذة.", "يقرأ الطفل تحت شجرة.", "شربنا الشاي بعد {n} ساعات."],
    "el": ["Το τρένο φεύγει στις {n}.", "Η αδερφή μου αγόρασε χθες {n} βιβλία.", "Βρέχει στον βορρά;",
           "Κανείς δεν έκλεισε το παράθυρο.", "Το παιδί διαβάζει κάτω από ένα δέντρο.", "Ήπιαμε τσάι μετά από {n} ώρες."],
    "hi": ["ट्रेन {n} बजे निकलती है।", "मेरी बहन ने कल {n} किताबें ख़रीदीं।", "क्या उत्तर में बारिश हो रही है?",
           "किसी ने खिड़की बंद नहीं की।", "बच्चा पेड़ के नीचे पढ़ रहा है।", "हमने {n} घंटे बाद चाय पी।"],
    "tr": ["Tren saat {n}'de kalkıyor.", "Kız kardeşim dün {n} kitap aldı.", "Kuzeyde yağmur yağıyor mu?",
           "Pencereyi kimse kapatmadı.", "Çocuk bir ağacın altında okuyor.", "{n} saat sonra çay içtik."],
    "vi": ["Tàu khởi hành lúc {n} giờ.", "Hôm qua chị tôi mua {n} quyển sách.", "Ở miền bắc có mưa không?",
           "Không ai đóng cửa sổ.", "Đứa trẻ đang đọc sách dưới gốc cây.", "Chúng tôi uống trà sau {n} giờ."],
    "zh": ["火车{n}点出发。", "我妹妹昨天买了{n}本书。", "北方在下雨吗？", "没有人关窗户。", "孩子在树下看书。", "{n}个小时后我们喝了茶。"],
}  # fmt: skip


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
    """Languages share a code of the meaning in the middle layers, each as far as `strength` and its place in the list say."""
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
    tokens = {k: np.array([3 + len(t) // 4 for t in v]) for k, v in written.items()}
    return LayerStates.from_arrays(
        arrays, checkpoint=checkpoint, corpus="sample", texts=written, tokens=tokens
    )


def hits(states: LayerStates, language: str, layer: int, variant: str) -> dict[str, np.ndarray]:
    """Per-sentence scores of three metrics against English."""
    x, y = (states.layer(name, layer).astype(np.float64) for name in ("en", language))
    if variant == "centred":
        x, y = x - x.mean(0), y - y.mean(0)
    x, y = (m / np.linalg.norm(m, axis=1, keepdims=True) for m in (x, y))
    similar = x @ y.T
    right = similar.diagonal().copy()
    np.fill_diagonal(similar, -np.inf)
    row, column = right > similar.max(1), right > similar.max(0)
    np.fill_diagonal(similar, 0)
    return {
        "mexa": (row & column).astype(float),
        "p_at_1": (row.astype(float) + column) / 2,
        "cosine_gap": right - similar.sum(1) / (len(x) - 1),
    }


def holm(p: np.ndarray) -> np.ndarray:
    order = p.argsort()
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(steps, 1)
    return adjusted


def sample_profile(*checkpoints: LayerStates, baseline: LayerStates | None = None) -> LayerProfile:
    """Scores of every checkpoint, and what each differs from `baseline` by."""
    rows, first = [], checkpoints[0]
    n = first.sentences
    everything = {}
    pairs = itertools.product(checkpoints, first.languages[1:], first.layers, ("raw", "centred"))
    for states, language, layer, variant in pairs:
        for metric, scores in hits(states, language, layer, variant).items():
            everything[states.checkpoint, language, layer, variant, metric] = scores
    for (checkpoint, language, layer, variant, metric), scores in everything.items():
        chance = {"mexa": 1 / (2 * n - 1), "p_at_1": 1 / n, "cosine_gap": 0.0}[metric]
        for other in (
            (None, baseline.checkpoint) if baseline and checkpoint != baseline.checkpoint else (None,)
        ):
            shown = scores if other is None else scores - everything[other, language, layer, variant, metric]
            expected = chance if other is None else 0.0
            wide = shown.std(ddof=1) / np.sqrt(n)
            p = 2 * norm.sf(abs(shown.mean() - expected) / wide) if wide else float(shown.mean() == expected)
            if other is None and metric != "cosine_gap":
                p = binom.sf(round(shown.sum()) - 1, n, chance)
            value = shown.mean()
            rows.append(
                [checkpoint, other, metric, variant, "en", language, layer, first.depth(layer), value,
                 value - 1.96 * wide, value + 1.96 * wide, expected, (value - expected) / (1 - expected), p, p, n]
            )  # fmt: skip
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    keys = ["checkpoint", "baseline", "metric", "variant"]
    table["p_adjusted"] = table.groupby(keys, dropna=False)["p"].transform(lambda p: holm(p.to_numpy()))
    return LayerProfile(
        table, {s.checkpoint: str(s.signature) for s in checkpoints}, {"seed": 0, "resamples": 1000}
    )


def sample_results(*names: str, **shape: object) -> Results:
    """Results of one checkpoint, of two (the second compared with the first), or of a series."""
    strengths = {"base": 0.0, "alpaca": 0.35, "x-llama-zh": 0.7, "m-llama": 1.0}
    checkpoints = [sample_states(name, strengths[name], **shape) for name in names or ("m-llama",)]
    profile = sample_profile(*checkpoints, baseline=checkpoints[0] if len(checkpoints) > 1 else None)
    return Results(
        title=" against ".join(s.checkpoint for s in checkpoints),
        profile=profile,
        tables={"map": project(checkpoints, progress=False), "sentences": sentence_table(checkpoints[0])},
        about={"command": "repalign layers --ckpt " + " --ckpt ".join(s.checkpoint for s in checkpoints)},
    )
