"""ReadingSpec and Machine: every mistake is one line that says what was expected, before a model is loaded."""

from __future__ import annotations

import pytest

from repalign import RepalignError, extract
from repalign.models.engine import Engine
from repalign.states.spec import Machine, ReadingSpec


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"site": "attnn"}, "no site named 'attnn'; did you mean 'attn'"),
        ({"stack": "decoders"}, "did you mean 'decoder'"),
        ({"template": "alpacca"}, "did you mean 'alpaca'"),
        ({"pooling": "meen"}, "did you mean 'mean'"),
        ({"layers": []}, "got none"),
        ({"layers": "0-8"}, "got '0'"),
        ({"layers": [1, -2]}, "got -2"),
        ({"layers": 1.5}, "got 1.5"),
        ({"layers": True}, "got True"),
        ({"layers": [10**9]}, "got 1000000000"),
        ({"max_length": 0}, "max_length is a whole number from 1 to 4294967295, not 0"),
        ({"max_length": "many"}, "not 'many'"),
        ({"dtype": "fp16"}, "no dtype named 'fp16'; did you mean 'float16'"),
        ({"dtype": None}, "no dtype named 'None'"),
        ({"device": "gpu"}, "no device named 'gpu'"),
        ({"device": "cuda:x"}, "did you mean 'cuda"),
        ({"batch_tokens": -1}, "batch_tokens is a whole number from 1 to 4294967295, not -1"),
        ({"poling": "last"}, r"extract\(\) has no argument named 'poling'; did you mean 'pooling'"),
    ],
)
def test_a_wrong_argument_is_named_before_a_model_is_loaded(llama, corpus, monkeypatch, changes, message):
    monkeypatch.setattr(
        "repalign.states.extraction.open_subject", lambda *a: pytest.fail("looked for the model")
    )
    with pytest.raises(RepalignError, match=message) as caught:
        extract(str(llama), corpus, **changes)
    assert "\n" not in str(caught.value)


def test_layers_are_sorted_and_one_number_will_do():
    assert ReadingSpec(layers=[4, 0, 4]).layers == (0, 4)
    assert ReadingSpec(layers=2).layers == (2,)
    assert ReadingSpec(layers=range(3)) == ReadingSpec(layers=(0, 1, 2))


def test_a_layer_that_the_model_lacks_is_named(llama, corpus):
    with pytest.raises(RepalignError, match=r"no layer 9 at site 'resid'; layers are 0\.\.3"):
        extract(str(llama), corpus, layers=9)


def test_old_names_are_accepted_with_a_warning(llama, corpus):
    with pytest.warns(
        DeprecationWarning, match="argument 'unshared' of extract.. is now 'exclude_shared_tokens'"
    ):
        states = extract(str(llama), corpus, unshared=True, store=False)
    assert states.signature.pooling == "mean-unshared"
    with pytest.raises(RepalignError, match="give only that"):
        extract(str(llama), corpus, unshared=True, exclude_shared_tokens=True)


def test_specs_are_values():
    assert ReadingSpec(pooling="last") == ReadingSpec().with_pooling("last")
    assert hash(ReadingSpec(pooling="last")) == hash(ReadingSpec(pooling="last"))
    assert Machine() == Machine("auto", "auto", None, True)
    with pytest.raises(AttributeError):
        ReadingSpec().site = "mlp"  # type: ignore[misc]


def test_a_machine_names_known_devices():
    assert Machine(device="cuda:3").device == "cuda:3"
    assert Engine is not None
