"""Sites: which hidden states of a layer are read."""

from __future__ import annotations

from typing import Literal, get_args

Site = Literal["resid", "embed", "attn", "mlp", "mlp-act", "final"]
"""resid: input of block 1 and output of every block; embed: the input of block 1 only; attn, mlp: the output of a
block's attention (or other token mixer) or of its MLP, before any norm after it; mlp-act: the
activations inside the MLP, the input of its down projection; final: the output of the last block after the
final norm."""

SITES: tuple[str, ...] = get_args(Site)

Stack = Literal["auto", "encoder", "decoder"]
"""Which stack of an encoder-decoder is read; auto is the encoder. Other models have only one."""

STACKS: tuple[str, ...] = get_args(Stack)
