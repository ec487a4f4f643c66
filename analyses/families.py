"""Supported model families: runs the checks of the test suite on each and writes docs/families.md.

OMP_NUM_THREADS=1 python analyses/families.py
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import torch  # noqa: E402
import transformers  # noqa: E402
from conftest import train_tokenizer  # noqa: E402
from families import FAMILIES, TABLE, Reading, cells, find_out  # noqa: E402
from tqdm import tqdm  # noqa: E402

from repalign import __version__  # noqa: E402

TEXT = """# Model families

Written by `python analyses/families.py` (repalign {version}, transformers {transformers}, torch {torch}): the
checks of `tests/models/test_families.py` on a tiny random model of every type in transformers' causal-LM mapping. With these
versions the tests check every row; with others a type may be refused or new, but none may be read incorrectly.

**{passed} of {tried} are supported.** A family is supported if, in float32 and within 1e-5 (relative to the largest
state where that exceeds 1),

- layers 0 to L-1 equal `output_hidden_states` of each sentence alone, as mean and at the last token; layer 0
  is the input of block 1 (Mamba, RWKV and similar models do not return it; there it equals the embeddings);
- layer L, passed through the model's final norm, equals the last hidden state;
- a sentence's states do not depend on padding, order or the other sentences of the batch.

The same is checked whenever a checkpoint is loaded, on four sentences: `output_hidden_states`, the last
layer (exchanging it between sentences exchanges the final states), no dependence on later tokens, and padding. A
model that fails is refused.

Blocks that do not run on text (those of Llama 3.2 Vision that attend to an image) are not counted.

Columns: **streams** is the number of parallel residual streams; if there are several, a layer's state is their
concatenation. **reads** is `left` for decoders, `both` for encoders. **then** is what comes between the last
block and the last hidden state. **head reuse** says whether the part of a template before the sentence is computed
once for all sentences (cached keys and values); elsewhere that would not be exact, and everything is recomputed.
**lens** says whether the logit lens works (`repalign inside`: the last block's states must reproduce the model's
logits). The last three columns say which sites besides `resid`, `embed` and `final` every
block has as one module: `attn` (the token mixer), `mlp`, `mlp-act` (the input of the down projection;
mixtures of experts have none, but their dense layers can be chosen with `--layers`).

| type | architecture | streams | reads | then | head reuse | lens | attn | mlp | mlp-act |
|---|---|---|---|---|---|---|---|---|---|
{table}

## Exceptions

Refused by repalign, with an error, or not built by transformers for text alone:

| type | | why |
|---|---|---|
{exceptions}

## Encoders and encoder-decoders

`tests/models/test_families.py` also reads BERT, XLM-R, XLNet and a sentence-transformers folder (all layers, both
ways, without special tokens), and both stacks of T5, mT5, UMT5, BART, mBART, M2M100, NLLB and NLLB-MoE.
`--side encoder` is the default. With `--side decoder` the decoder is teacher-forced with the sentence (start
token, then the sentence), attending to the encoder's states of the same sentence.

Models that expect the language of each sentence are given that of the corpus (`tests/models/test_languages_of_models.py`: every
language as a plain script reads it): NLLB, M2M100, mBART, mBART-50 and SeamlessM4T by a token, X-MOD by the number of an adapter,
XLM by an embedding. A language that a model does not have is refused. With `--side decoder`, the decoder reads what it read
in training: its start token, the token of the sentence's own language, the sentence.
"""


def line(row: tuple[str, ...]) -> str:
    return f"| {' | '.join(row)} |"


def main() -> None:
    transformers.logging.set_verbosity_error()
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = train_tokenizer(Path(folder))
    outcomes = {kind: find_out(kind, tokenizer) for kind in tqdm(FAMILIES, disable=None)}
    read = [line(cells(kind, one)) for kind, one in outcomes.items() if isinstance(one, Reading)]
    exceptions = [line(cells(kind, one)) for kind, one in outcomes.items() if not isinstance(one, Reading)]
    TABLE.write_text(
        TEXT.format(
            version=__version__,
            transformers=transformers.__version__,
            torch=torch.__version__,
            passed=len(read),
            tried=len(outcomes),
            table="\n".join(read),
            exceptions="\n".join(exceptions),
        ),
        encoding="utf-8",
    )
    print(TABLE)


if __name__ == "__main__":
    main()
