"""Embeddings of a transformers or sentence-transformers folder."""
import base64
import json
import os

from modelium_base import Engine, texts_of
from modelium_source import Refused


class Embedder(Engine):
    does = "embeddings"

    def __init__(self, path, trusted, start):
        super().__init__()
        from transformers import AutoModel, AutoTokenizer

        self.tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=trusted)
        self.model = start(AutoModel)
        self.pooling, self.normal = pooling_of(path)
        most = self.tokenizer.model_max_length
        self.most = min(most, getattr(self.model.config, "max_position_embeddings", most))

    async def embed(self, body):
        if body.get("encoding_format", "float") not in ("float", "base64"):
            raise Refused("encoding_format: float or base64.")
        vectors, tokens = await self.later(self.work, texts_of(body))
        if body.get("encoding_format") == "base64":
            return [base64.b64encode(vector.numpy().astype("<f4").tobytes()).decode() for vector in vectors], tokens
        return [vector.tolist() for vector in vectors], tokens

    def work(self, texts):
        import torch

        vectors, tokens = [], 0
        for text in texts:
            given = self.tokenizer(text, return_tensors="pt").to(self.model.device)
            length = given["input_ids"].shape[1]
            if length > self.most:
                raise Refused(f"A text of {length} tokens is longer than the {self.most} that this model takes.")
            tokens += length
            with torch.inference_mode():
                rows = self.model(**given).last_hidden_state[0].float()
            vector = {"cls": lambda: rows[0], "lasttoken": lambda: rows[-1], "max": lambda: rows.max(0).values}.get(
                self.pooling, lambda: rows.mean(0)
            )()
            vectors.append((torch.nn.functional.normalize(vector, dim=0) if self.normal else vector).cpu())
        return vectors, tokens


def pooling_of(path):
    """As modules.json of sentence-transformers says it; without one: the mean, of length one."""
    listed = os.path.join(path, "modules.json")
    if not os.path.exists(listed):
        return "mean", True
    with open(listed, encoding="utf-8") as file:
        modules = json.load(file)
    kinds = [module["type"].split(".")[-1] for module in modules]
    unknown = [kind for kind in kinds if kind not in ("Transformer", "Pooling", "Normalize")]
    if unknown:
        raise ValueError(f"modules.json names {', '.join(unknown)}, which Modelium's application does not compute.")
    pooling = next((module for module in modules if module["type"].endswith("Pooling")), None)
    if pooling is None:
        return "mean", "Normalize" in kinds
    with open(os.path.join(path, os.path.basename(pooling["path"]), "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    keys = {"cls": "pooling_mode_cls_token", "max": "pooling_mode_max_tokens", "mean": "pooling_mode_mean_tokens", "lasttoken": "pooling_mode_lasttoken"}
    chosen = [name for name, key in keys.items() if config.get(key)]
    if len(chosen) != 1:
        raise ValueError("1_Pooling/config.json wants several poolings together, or one that Modelium's application does not compute.")
    return chosen[0], "Normalize" in kinds
