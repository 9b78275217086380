"""
The corpus of public configurations, as the transformers library itself understands it. Reads configs.json; says on standard output, one JSON
object a line:

    corpus.py shapes CONFIGS   for each configuration the model on the meta device: its parameters, and its weights by shape
    corpus.py caches CONFIGS   for each a small version of the same architecture, run once: what every layer of its cache holds; none of a class
                               that only reads, which is not run
"""

import json
import logging
import re
import sys
import time
import warnings

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

import torch  # noqa: E402
import transformers  # noqa: E402
from transformers import AutoConfig, DynamicCache  # noqa: E402

RENAMED = {"MPTForCausalLM": "MptForCausalLM"}
# What has no influence on the cache is made small.
WIDTHS = ["vocab_size", "intermediate_size", "moe_intermediate_size", "shared_expert_intermediate_size", "n_inner", "ffn_dim", "d_ff",
          "intermediate_size_mlp", "decoder_ffn_dim", "encoder_ffn_dim"]
EXPERTS = ["num_experts", "num_local_experts", "n_routed_experts"]
TOKENS = re.compile(r"(_token_id|_token_index)$")
WINDOWS = ["sliding_window", "attention_chunk_size", "attention_window_size"]
PROMPT = 48
# Classes that only read.
WITHOUT_CACHE = ("ForMaskedLM", "ForSequenceClassification", "ForImageClassification", "ForCTC", "BertModel", "RobertaModel", "CLIPModel",
                 "SiglipModel", "Dinov2Model")


def class_of(entry):
    name = entry.get("meta") or entry["config"]["architectures"][0]
    return getattr(transformers, RENAMED.get(name, name))


def config_of(raw, labels=None):
    raw = {key: value for key, value in raw.items() if key not in ("auto_map", "quantization_config")}
    return AutoConfig.for_model(**raw, **({"num_labels": labels} if labels else {}))


def shapes(entry):
    with torch.device("meta"):
        model = class_of(entry)._from_config(config_of(entry["config"], entry.get("labels")))
    seen, rows = set(), {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        kind = "I64" if tensor.dtype == torch.int64 else "W"
        template = re.sub(r"(?<=\.)\d+(?=\.)", "#", name)
        indices = [int(number) for number in re.findall(r"(?<=\.)(\d+)(?=\.)", name)]
        rows.setdefault((template, kind, tuple(tensor.shape)), []).append(indices)
    return {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "rows": [[template, kind, list(shape), indices] for (template, kind, shape), indices in rows.items()],
    }


def small(raw):
    """The same architecture with few experts, narrow feed-forward parts, short windows, and the layers of a whole round of its pattern."""
    config = {}
    for key, value in raw.items():
        if isinstance(value, dict) and key.endswith("_config") and key not in ("attn_config", "ffn_config", "quantization_config"):
            value = small(value)
        elif TOKENS.search(key):
            value = 1
        elif key in WIDTHS and value:
            value = 128
        elif key in EXPERTS and value:
            value = 4
        elif key in WINDOWS and value:
            value = min(value, 16)
        elif key in ("n_group", "topk_group", "num_experts_per_tok") and value:
            value = 1
        elif key in ("rope_scaling", "rope_parameters") and isinstance(value, dict) and "mrope_section" not in value:
            continue
        elif key == "ffn_config":
            value = {**value, "ffn_hidden_size": 64, "moe_num_experts": 4, "moe_top_k": 1}
        elif key in ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "decoder_layers", "encoder_layers", "num_decoder_layers"):
            value = min(value, 8)
        elif key == "hybrid_override_pattern":
            value = value[:16]
        elif key == "layer_types":
            value = value[:8]
        elif key == "attention_layers":
            value = value[:8]
        elif key == "attention_types":
            value = [[value[0][0], 4]]
        elif key == "full_attn_idxs":
            value = [index for index in value if index < 8]
        config[key] = value
    if "hybrid_override_pattern" in config:
        config["num_hidden_layers"] = len(config["hybrid_override_pattern"])
    return config


def has_values(tensor):
    return tensor is not None and tensor.numel() > 0


def layers_of(cache):
    for layer in cache.layers:
        keys = getattr(layer, "keys", None)
        window = getattr(layer, "sliding_window", None)
        row = {"valuesPerToken": 0, "window": None, "convolution": 0, "state": 0}
        if has_values(keys):
            row["valuesPerToken"] = keys.shape[1] * (keys.shape[3] + layer.values.shape[3])
            row["tokens"] = keys.shape[2]
            row["window"] = int(window) if window is not None else None
        for states in filter(has_values, (getattr(layer, "conv_states", None) or {}).values()):
            # One column more than a runtime has to keep between two tokens.
            row["convolution"] += states.numel() // states.shape[-1] * (states.shape[-1] - 1)
        for states in filter(has_values, (getattr(layer, "recurrent_states", None) or {}).values()):
            row["state"] += states.numel()
        yield row


def inputs_of(raw):
    text = torch.randint(2, 90, (1, PROMPT))
    if raw.get("model_type") == "whisper":
        return {"input_features": torch.zeros(1, raw["num_mel_bins"], 2 * raw["max_source_positions"]), "decoder_input_ids": text}
    if raw.get("is_encoder_decoder"):
        longest = raw.get("n_positions") or raw["max_position_embeddings"]
        return {"input_ids": torch.randint(2, 90, (1, longest)), "decoder_input_ids": text}
    return {"input_ids": text}


def answer_of(entry, config, raw):
    """On the meta device where the model's code looks at no value; else with weights of zeros."""
    with torch.device("meta"):
        model = class_of(entry)._from_config(config, dtype=torch.float32).eval()
    inputs = inputs_of(raw)
    with torch.no_grad():
        try:
            return model(**{name: tensor.to("meta") for name, tensor in inputs.items()}, use_cache=True)
        except Exception:
            return zeroed(model)(**inputs, use_cache=True)


def zeroed(model):
    model = model.to_empty(device="cpu")
    for tensor in model.parameters():
        tensor.zero_()
    for _name, buffer in model.named_buffers():
        # Buffers are computed, not loaded: those that say where to look must not be wild.
        buffer.zero_()
    return model


def caches_inside(entry, raw, config):
    """RecurrentGemma answers without its cache, and keeps the states of its recurrent layers in the layers themselves."""
    with torch.device("meta"):
        model = class_of(entry)._from_config(config, dtype=torch.float32).eval()
    cache = DynamicCache(config=config)
    with torch.no_grad():
        model = zeroed(model)
        model.model._setup_cache(config, 1, "cpu", torch.float32)
        model(**inputs_of(raw), use_cache=True, past_key_values=cache)
    rows = list(layers_of(cache))
    for row, layer in zip(rows, model.model.layers, strict=True):
        block = layer.temporal_block
        if hasattr(block, "rg_lru"):
            row["convolution"] = block.conv1d_state.numel()
            row["state"] = block.rg_lru.recurrent_states.numel()
    return {"config": raw, "layers": rows, "cross": 0}


def caches(entry):
    raw = small(entry["config"])
    config = config_of(raw)
    config._attn_implementation = "eager"
    if raw["model_type"] == "recurrent_gemma":
        return caches_inside(entry, raw, config)
    answer = answer_of(entry, config, raw)
    cache = getattr(answer, "past_key_values", None)
    if cache is None:
        cache = getattr(answer, "cache_params", None)
    if cache is None:
        return {"config": raw, "layers": [], "cross": 0}
    cross = getattr(cache, "cross_attention_cache", None)
    return {
        "config": raw,
        "layers": list(layers_of(getattr(cache, "self_attention_cache", cache))),
        "cross": sum(layer["valuesPerToken"] * layer.get("tokens", 0) for layer in layers_of(cross)) if cross is not None else 0,
    }


def main():
    work = {"shapes": shapes, "caches": caches}[sys.argv[1]]
    with open(sys.argv[2], encoding="utf-8") as file:
        corpus = json.load(file)
    for name, entry in corpus.items():
        if entry.get("shapes") is False:
            continue
        if work is caches and entry["config"]["architectures"][0].endswith(WITHOUT_CACHE):
            print(json.dumps({"name": name, "config": entry["config"], "layers": [], "cross": 0}), flush=True)
            continue
        started = time.monotonic()
        try:
            print(json.dumps({"name": name, **work(entry)}), flush=True)
            print(f"{name}: {time.monotonic() - started:.1f} s", file=sys.stderr)
        except Exception as error:  # the test says which it expects to fail
            print(json.dumps({"name": name, "error": f"{type(error).__name__}: {error}"[:400]}), flush=True)


main()
