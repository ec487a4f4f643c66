"""Numbers and names as findings write them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import floor, isnan, log10
from typing import TYPE_CHECKING

from repalign.corpora.languages import language_name
from repalign.report.findings.finding import MAX_NAMED_LANGUAGES
from repalign.report.findings.verdicts import CLAIM
from repalign.results.layer_ranges import spans

if TYPE_CHECKING:
    from repalign.figures.view import View

NO_BREAK = "\u00a0"


def layers_in_words(layers: Iterable[int]) -> str:
    """Layer numbers as ranges.

    >>> layers_in_words([3, 4, 5, 8])
    'layers 3 to 5 and 8'
    """
    runs = spans(layers)
    if not runs:
        return "no layer"
    words: list[str] = []
    for first, last in runs:
        words += (
            [str(first)]
            if first == last
            else [str(first), str(last)]
            if last == first + 1
            else [f"{first} to {last}"]
        )
    return f"layer{'' if words == [str(runs[0][0])] else 's'} {listing(words)}"


def layer_ranges(layers: Iterable[int]) -> str:
    """Layer numbers as ranges, for a table.

    >>> layer_ranges([3, 4, 5, 8])
    '3–5, 8'
    """
    return ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in spans(layers))


def listing(words: Sequence[str]) -> str:
    """Words as an English list.

    >>> listing(["ar", "el", "zh"])
    'ar, el and zh'
    """
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def rounded(value: float, sign: str = "") -> str:
    """Two decimals; below a tenth two significant digits, of at most six decimals.

    >>> rounded(0.314), rounded(0.0041), rounded(0.0996), rounded(-0.03, "+"), rounded(1e-9)
    ('0.31', '0.0041', '0.10', '-0.030', '0')
    """
    size = abs(value)
    if size < 5e-7:
        return "0"
    decimals = 2 if not size < 0.0995 else min(1 - floor(log10(size)), 6)  # 2 also for NaN
    return f"{value:{sign}.{decimals}f}"


def with_interval(value: float, low: float, high: float, sign: str = "") -> str:
    """A value and its interval, e.g. "0.31 [0.27, 0.35]"."""
    ends = "" if isnan(low) or isnan(high) else f" [{rounded(low, sign)}, {rounded(high, sign)}]"
    return rounded(value, sign) + ends


def value_range(values: Iterable[float]) -> str:
    """
    >>> value_range([0.311, 0.4]), value_range([0.301, 0.299])
    ('0.31 to 0.40', '0.30')
    """
    known = sorted(values)
    ends = [rounded(known[0]), rounded(known[-1])]
    return " to ".join(dict.fromkeys(ends))


def measure(view: View, metric: str, variant: str) -> str:
    """The metric, variant and corpus, as every sentence names them: "MEXA, centred, on everyday"."""
    where = f", on {view.corpus}" if view.corpus else ""
    return f"{view.label(metric)}, {variant}{where}"


def everyone(languages: Sequence[str], total: int) -> str:
    """Some of `total` languages: all, both, or which.

    >>> everyone(["ar", "el", "zh"], 3), everyone(["ar", "el"], 2), everyone(["ar"], 1), everyone(["ar", "el"], 6)
    ('all 3 languages', 'both languages', 'Arabic', 'Arabic and Greek')
    """
    if len(languages) == total > 1:
        return "both languages" if total == 2 else f"all {total} languages"
    if len(languages) > MAX_NAMED_LANGUAGES:
        return f"{len(languages)} of {total} languages"
    return language_list(languages)


def p_in_words(p: float) -> str:
    """A p-value that does not break over lines: "p < 0.001", "p = 0.031"."""
    return (f"p < {0.001}" if p < 0.001 else f"p = {p:.{3 if p < 0.1 else 2}f}").replace(" ", NO_BREAK)


def adjusted(view: View) -> str:
    """The correction, and the threshold below which a sentence claims something: "Holm-adjusted p < 0.001"."""
    return f"{correction(view)}-adjusted p < {CLAIM:g}".replace(" < ", f"{NO_BREAK}<{NO_BREAK}")


def correction(view: View) -> str:
    """The name of the correction for many tests."""
    name = str(view.results.profile.settings.get("correction", "holm"))
    return {"holm": "Holm", "bh": "Benjamini-Hochberg"}.get(name, name)


def joined(count: int, noun: str) -> str:
    """A number with its noun.

    >>> joined(1, "layer"), joined(7, "layer")
    ('1 layer', '7 layers')
    """
    return f"{count} {noun}{'' if count == 1 else 's'}"


def called(code: str) -> str:
    """A language's English name, where that is known, with its code.

    >>> called("zh"), called("elvish")
    ('Chinese (zh)', 'elvish')
    """
    name = language_name(code)
    return code if name == code else f"{name} ({code})"


def language_list(codes: Iterable[str]) -> str:
    """English names of languages, each once; their number where there are too many to name.

    >>> language_list(["zh", "el", "zh"]), language_list(map(str, range(20)))
    ('Chinese and Greek', '20 languages')
    """
    distinct = list(dict.fromkeys(codes))
    if len(distinct) > MAX_NAMED_LANGUAGES:
        return f"{len(distinct)} languages"
    return listing([language_name(code) for code in distinct])


def count_of(counts: Iterable[int]) -> str:
    """One number, or the range of several.

    >>> count_of([240, 240]), count_of([238, 240])
    ('240', '238 to 240')
    """
    known = sorted(set(counts))
    return str(known[0]) if len(known) == 1 else f"{known[0]} to {known[-1]}"
