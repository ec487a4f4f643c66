"""source_digest: equal for equal code, another for any change that matters, None where nobody can know."""

from __future__ import annotations

import functools
import sys

import numpy as np
import pytest

from repalign.models.provenance import source_digest

FACTOR = 2


def helper(x):
    return x + 1


def make(factor):
    return lambda x: factor * x


def test_equal_code_is_equal():
    assert source_digest(make(2)) == source_digest(make(2))
    assert len(source_digest(helper) or "") == 64


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (make(2), make(3)),
        (make(np.ones(2)), make(np.zeros(2))),
        (lambda x: x, lambda x: -x),
        (lambda x, k=1: x * k, lambda x, k=2: x * k),
        (functools.partial(helper, 1), functools.partial(helper, 2)),
    ],
)
def test_a_change_is_another(one, other):
    assert source_digest(one) not in (None, source_digest(other))


def test_a_change_in_a_function_it_calls_or_a_global_it_names_is_another(monkeypatch):
    calls = lambda x: helper(x) * FACTOR  # noqa: E731
    before = source_digest(calls)
    module = sys.modules[__name__]
    monkeypatch.setattr(module, "FACTOR", 3)
    assert source_digest(calls) != before
    monkeypatch.undo()
    assert source_digest(calls) == before
    monkeypatch.setattr(module, "helper", lambda x: x + 2)
    assert source_digest(calls) != before


def test_a_change_in_its_file_is_another(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    text = "def pooled(x):\n    return x\n"
    digests = []
    for number, more in enumerate(("", "\nOTHER = 1\n")):
        name = f"pooled_module_{number}"
        (tmp_path / f"{name}.py").write_text(text + more)
        digests.append(source_digest(__import__(name).pooled))
    assert digests[0] != digests[1]


def test_what_cannot_be_identified_has_none():
    assert source_digest(make(object())) is None
    assert source_digest(make(open)) is not None
