"""Token ids and the rows of a model's embedding: an id outside never reaches the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from repalign.errors import RepalignError
from repalign.models.languages import ModelLanguage
from repalign.models.tokenization import TokenRows, Tokens, special_ids

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


SOME_LENGTHS = (7, 3, 12, 5)
"""Tokens of the rows that stand for sentences in the checks at load, if the tokenizer cannot spell any."""


def embedding_rows(model: Any) -> int | None:
    """Number of token ids that a model can read; None for one without a table of embeddings (CANINE)."""
    try:
        table = model.get_input_embeddings()
        return int(table.weight.shape[0] or table.num_embeddings)  # 0 where the weight is sharded (ZeRO 3)
    except (AttributeError, NotImplementedError):
        return None


def padding_id(tokenizer: PreTrainedTokenizerBase, rows: int | None, otherwise: int = 0) -> int:
    """The id of padding: any that the model can read, since padding is masked.

    Args:
        rows: of the embedding; see `embedding_rows`.
        otherwise: where the tokenizer has no padding token. It, too, is replaced by 0 if the model cannot read it.
    """
    named: Any = tokenizer.pad_token_id
    chosen = named if isinstance(named, int) else otherwise
    return chosen if chosen >= 0 and (rows is None or chosen < rows) else 0


def check_ids(ids: np.ndarray, rows: int | None, tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuse tokens that the model cannot read.

    Args:
        ids: int [...].
        rows: of the embedding; see `embedding_rows`.

    Raises:
        RepalignError: names the first such token.
    """
    if rows is None or int(ids.max(initial=0)) < rows:
        return
    outside = int(ids[ids >= rows].flat[0])
    raise RepalignError(
        f"token {tokenizer.convert_ids_to_tokens(outside)!r} has id {outside}, but the model's embedding has {rows} rows; "
        "use the tokenizer that the model was trained with, or resize the embedding (model.resize_token_embeddings) and train it"
    )


def some_rows(
    tokenizer: PreTrainedTokenizerBase, rows: int | None, language: ModelLanguage | None = None
) -> TokenRows:
    """Four rows of different lengths of tokens that are not special, spread over the vocabulary.

    Args:
        rows: of the embedding; see `embedding_rows`.
        language: see `tokenize`.

    Raises:
        RepalignError: there is no such token.
    """
    ids = np.setdiff1d(np.arange(min(len(tokenizer), rows or len(tokenizer))), list(special_ids(tokenizer)))
    if not len(ids):
        raise RepalignError("every token of this tokenizer is special, so that it cannot write any text")
    spread = ids[np.linspace(0, len(ids) - 1, sum(SOME_LENGTHS)).astype(int)].astype(np.int32)
    parts = np.split(spread, np.cumsum(SOME_LENGTHS)[:-1])
    return TokenRows.of(
        Tokens(part, np.ones(len(part), bool), language=-1 if language is None else language.id)
        for part in parts
    )
