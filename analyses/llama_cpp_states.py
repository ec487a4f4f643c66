"""Hidden states of a GGUF from llama.cpp, as a folder for `repalign verify CKPT --against FOLDER`.

    repalign verify CKPT --write-prompts FOLDER
    python analyses/llama_cpp_states.py MODEL.gguf FOLDER           # in an environment with llama-cpp-python
    repalign verify CKPT --against FOLDER

CKPT is the checkpoint that the GGUF was made from. Every layer is read while llama.cpp computes it (its `inp_scaled` or
`inp_embd`, and `l_out-N`); with `--final` only what its embeddings with pooling none give: the last layer, after the norm.
"""

from __future__ import annotations

import argparse
import ctypes
import json
from collections.abc import Callable
from pathlib import Path

import llama_cpp
import numpy as np
from llama_cpp import llama_cpp as api

F16, F32 = 1, 0
"""ggml's numbers of dtypes."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gguf", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--final", action="store_true", help="only the embeddings that llama.cpp returns")
    parser.add_argument(
        "--cache", choices=["f16", "f32"], default="f32", help="of keys and values (llama.cpp's default: f16)"
    )
    args = parser.parse_args()
    prompts = json.loads((args.folder / "prompts.json").read_text(encoding="utf-8"))["prompts"]
    read, layers = reader(args.gguf, F16 if args.cache == "f16" else F32, args.final)
    for number, ids in enumerate(prompts):
        np.save(args.folder / f"{number:02d}.npy", read(ids), allow_pickle=False)
    about = {"engine": f"llama.cpp {args.gguf.stem}", "version": llama_cpp.__version__, "dtype": "float32"}
    if args.final:
        about |= {"layers": [layers], "conventions": ["last layer after the final norm"]}  # type: ignore[dict-item]
    (args.folder / "engine.json").write_text(json.dumps(about))


def reader(gguf: Path, cache: int, final: bool) -> tuple[Callable[[list[int]], np.ndarray], int]:
    """A function from token ids to states, float32 [layer, token, dim], and the number of blocks."""
    ggml = _library()
    seen: dict[str, np.ndarray] = {}

    @ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, ctypes.c_bool, ctypes.c_void_p)
    def note(tensor: int, ask: bool, _: int) -> bool:
        name = ggml.ggml_get_name(tensor).decode()
        if not (name in ("inp_embd", "inp_scaled") or name.startswith("l_out-")):
            return not ask
        if not ask:
            values = np.empty(ggml.ggml_nbytes(tensor) // 4, dtype=np.float32)
            ggml.ggml_backend_tensor_get(tensor, values.ctypes.data_as(ctypes.c_void_p), 0, values.nbytes)
            seen[name] = values
        return True

    api.llama_backend_init()
    model = api.llama_model_load_from_file(str(gguf).encode(), api.llama_model_default_params())
    dim, blocks = api.llama_model_n_embd(model), api.llama_model_n_layer(model)
    params = api.llama_context_default_params()
    params.n_ctx = params.n_batch = params.n_ubatch = 512
    params.embeddings, params.pooling_type = True, api.LLAMA_POOLING_TYPE_NONE
    params.type_k = params.type_v = cache
    params.flash_attn_type = 0
    if not final:
        params.cb_eval = ctypes.cast(note, type(params.cb_eval))
    context = api.llama_init_from_model(model, params)
    keep_alive = note

    def read(ids: list[int]) -> np.ndarray:
        seen.clear()
        api.llama_memory_clear(api.llama_get_memory(context), True)
        batch = api.llama_batch_init(len(ids), 0, 1)
        batch.n_tokens = len(ids)
        for position, token in enumerate(ids):
            batch.token[position], batch.pos[position], batch.logits[position] = token, position, True
            batch.n_seq_id[position], batch.seq_id[position][0] = 1, 0
        if api.llama_decode(context, batch):
            raise SystemExit(f"llama.cpp cannot decode {len(ids)} tokens")
        api.llama_batch_free(batch)
        if final:
            rows = [api.llama_get_embeddings_ith(context, position)[:dim] for position in range(len(ids))]
            return np.array([rows], dtype=np.float32)
        names = ["inp_scaled" if "inp_scaled" in seen else "inp_embd"]
        names += [f"l_out-{block}" for block in range(blocks)]
        return np.stack([seen[name].reshape(len(ids), dim) for name in names])

    read.keep_alive = keep_alive  # type: ignore[attr-defined]  # ctypes does not keep callbacks itself
    return read, blocks


def _library() -> ctypes.CDLL:
    ggml = ctypes.CDLL(str(next((Path(llama_cpp.__file__).parent / "lib").glob("libggml-base.so"))))
    ggml.ggml_get_name.restype, ggml.ggml_get_name.argtypes = ctypes.c_char_p, [ctypes.c_void_p]
    ggml.ggml_nbytes.restype, ggml.ggml_nbytes.argtypes = ctypes.c_size_t, [ctypes.c_void_p]
    get = ggml.ggml_backend_tensor_get
    get.restype, get.argtypes = None, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t]
    return ggml


if __name__ == "__main__":
    main()
