"""The logit lens by language: language of the tokens each layer predicts.

Wendler et al. 2024 (arXiv 2402.10588) found that the middle layers of Llama 2 predict English tokens whatever the
language of the text.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from repalign.models.engine import Engine
from repalign.models.next_token import by_sentence
from repalign.models.tokenization import TokenRows
from repalign.models.unembed import Unembed, batches
from repalign.progress import Phase


@torch.inference_mode()
def lens(
    engine: Engine,
    unembed: Unembed,
    rows: TokenRows,
    token_languages: np.ndarray,
    phase: Phase | None = None,
) -> np.ndarray:
    """Each layer's prediction of the next token, mean over a sentence's content tokens.

    Args:
        engine: with its layers.
        unembed: of the same model.
        rows: tokenised sentences.
        token_languages: bool [language, token], see `languages_of_tokens`.
        phase: that counts sentences.

    Returns:
        float64 [layer, sentence, language + 1]: total probability of each language's tokens, and last the entropy of
        the distribution over the vocabulary divided by its maximum (0: certain, 1: uniform).
    """
    membership = torch.from_numpy(token_languages.T.astype(np.float32)).to(engine.device)
    predictions = np.empty((len(engine.layers), len(rows), len(token_languages) + 1))
    for batch, ids, content, real in batches(engine, rows, unembed.vocabulary):

        def predict(hidden: Tensor, content: Tensor = content) -> Tensor:
            # In a model spread over several devices, states may come from any of them.
            logits = unembed(hidden[content.to(hidden.device)]).to(membership.device)
            return by_sentence(next_token_languages(logits, membership), content)

        layers = engine.reader.run(predict, input_ids=ids, attention_mask=real.long(), use_cache=False)
        predictions[:, batch] = torch.stack(layers).cpu().numpy()
        if phase is not None:
            phase.update(len(batch))
    return predictions


def next_token_languages(logits: Tensor, membership: Tensor) -> Tensor:
    """Probability of each language's tokens, and last the normalised entropy: float64 [position, language + 1].

    Args:
        logits: float32 [position, token].
        membership: 1 where a token belongs to a language, float32 [token, language].
    """
    log_probabilities = logits.log_softmax(-1)
    probabilities = log_probabilities.exp()
    entropy = -(probabilities * log_probabilities).sum(-1, keepdim=True) / np.log(logits.shape[-1])
    return torch.cat([probabilities @ membership, entropy], dim=-1).double()
