"""Chooses the engine for a task, and loads its weights."""
from modelium_embed import Embedder
from modelium_tasks import Classifier, Images, NamedImages, Speech
from modelium_text import TextEngine

ENGINES = {
    "generate": TextEngine,
    "embed": Embedder,
    "classify": Classifier,
    "rank": Classifier,
    "image": Images,
    "zero-shot-image": NamedImages,
    "speech": Speech,
}


def engine_of(task, path, trusted):
    import torch

    on_gpu = torch.cuda.is_available()
    # A pickle runs code as it is read: only weights in safetensors are, unless a person trusts the
    # folder.
    only_safe = {} if trusted else {"use_safetensors": True}
    options = {"dtype": "auto" if on_gpu else torch.float32}

    def start(loader):
        """The model in its place; without a loader what a pipeline is to be given for the same."""
        if loader is None:
            return {"device": 0 if on_gpu else -1, **options, "model_kwargs": only_safe}
        model = loader.from_pretrained(path, trust_remote_code=trusted, **only_safe, **options)
        return model.to("cuda" if on_gpu else "cpu").eval()

    return ENGINES[task](path, trusted, start)
