"""A recipe that is trained in seconds."""

from __future__ import annotations

import pytest

TINY = """
languages = ["en", "zh"]
mixture = "translation_*-*[0:120] + text_en[0:60]"
template = "brief"

[sources]
translation = { kind = "phrasebook-translation", brief = true }
text = { kind = "phrasebook-text" }

[tokenizer]
vocabulary = 500

[model]
hidden_size = 32
intermediate_size = 64
num_hidden_layers = 2
num_attention_heads = 2
num_key_value_heads = 2

[train]
batch = 8
max_length = 128
learning_rate = 3e-3
save_steps = 3
held_out = 8
"""


@pytest.fixture
def recipe_file(tmp_path, monkeypatch):
    monkeypatch.setenv("REPALIGN_HOME", str(tmp_path / "home"))
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return str(path)
