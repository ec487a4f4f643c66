"""The logit lens by language: of which language the words are that each layer would say next.

Wendler et al. 2024 (arXiv 2402.10588) found that English words lead in the middle layers of Llama 2 whatever it reads.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from repalign.models.engine import Engine
from repalign.models.tokenization import TokenRows
from repalign.models.unembed import Decoder, batches


@torch.inference_mode()
def lens(engine: Engine, decoder: Decoder, rows: TokenRows, own: np.ndarray) -> np.ndarray:
    """What each layer would say next, mean over a sentence's own tokens.

    Args:
        own: bool [language, token], see `languages_of_tokens`.

    Returns:
        float64 [layer, sentence, language + 1]: probability of the tokens of each language, and last the entropy of the
        whole distribution by its greatest (0 sure, 1 knows nothing).
    """
    of = torch.from_numpy(own.T.astype(np.float32)).to(engine.device)
    found = np.empty((len(engine.layers), len(rows), len(own) + 1))
    for batch, ids, content, real in batches(engine, rows, decoder.vocabulary):

        def said(hidden: Tensor, content: Tensor = content) -> Tensor:
            # A model spread over devices hands on states from any of them.
            logits = decoder(hidden[content.to(hidden.device)]).to(of.device)
            return by_sentence(said_next(logits, of), content)

        layers = engine.reader.run(said, input_ids=ids, attention_mask=real.long(), use_cache=False)
        found[:, batch] = torch.stack(layers).cpu().numpy()
    return found


def said_next(logits: Tensor, of: Tensor) -> Tensor:
    """float64 [position, language + 1] of logits [position, token]: see `lens`."""
    logs = logits.log_softmax(-1)
    shares = logs.exp()
    entropy = -(shares * logs).sum(-1, keepdim=True) / np.log(logits.shape[-1])
    return torch.cat([shares @ of, entropy], dim=-1).double()


def by_sentence(values: Tensor, chosen: Tensor) -> Tensor:
    """Means over the chosen tokens of each sentence, 0 where there are none: [sentence, value] of [chosen token, value].

    Args:
        chosen: bool [sentence, token].
    """
    sentence = chosen.nonzero()[:, 0]
    sums = values.new_zeros(len(chosen), values.shape[1]).index_add(0, sentence, values)
    return sums / chosen.sum(1, keepdim=True).clamp_min(1)
