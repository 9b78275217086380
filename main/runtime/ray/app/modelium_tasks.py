"""Engines that use a transformers pipeline: classes of texts and images, rankings, speech. Each engine lists its tasks in `does`."""
from modelium_base import Engine, texts_of
from modelium_media import image_of, sound_of
from modelium_source import Refused


class Piped(Engine):
    """What a pipeline of transformers computes."""

    def __init__(self, path, trusted, start, task):
        super().__init__()
        from transformers import pipeline

        self.pipe = pipeline(task, model=path, trust_remote_code=trusted, **start(None))
        self.labels = list(getattr(self.pipe.model.config, "id2label", {}).values())

    @staticmethod
    def told(index, scores):
        best = max(scores, key=lambda one: one["score"])
        probs = {one["label"]: one["score"] for one in scores}
        return {"index": index, "label": best["label"], "probs": list(probs.values()), "num_classes": len(probs), "scores": probs}

    def wished(self, body):
        labels = body.get("labels") or body.get("candidate_labels")
        if not isinstance(labels, list) or not labels or not all(isinstance(label, str) and label for label in labels):
            raise Refused("labels: expected the list of classes to choose from.")
        return labels


class Classifier(Piped):
    does = "classes of texts"

    def __init__(self, path, trusted, start):
        super().__init__(path, trusted, start, "text-classification")

        self.entails = any(label.lower().startswith("entail") for label in self.labels)
        self.zero_shot = None

    async def classify(self, body):
        if "labels" in body or "candidate_labels" in body:
            return await self.classify_as_wished(body, self.wished(body))
        scores = [await self.later(lambda text=text: self.pipe(text, top_k=None, truncation=True)) for text in texts_of(body)]
        return [self.told(index, sorted(one, key=lambda each: self.labels.index(each["label"]))) for index, one in enumerate(scores)]

    async def classify_as_wished(self, body, labels):
        """Zero-shot: each class is a sentence, and the model says whether the text entails it."""
        from transformers import pipeline

        if not self.entails:
            raise Refused("labels: this model has its own classes, and cannot choose between others.")
        if self.zero_shot is None:
            self.zero_shot = pipeline("zero-shot-classification", model=self.pipe.model, tokenizer=self.pipe.tokenizer)
        found = [await self.later(lambda text=text: self.zero_shot(text, labels)) for text in texts_of(body)]
        return [
            self.told(at, [{"label": label, "score": score} for label, score in zip(one["labels"], one["scores"])])
            for at, one in enumerate(found)
        ]

    async def rank(self, body):
        query, documents = body.get("query"), body.get("documents")
        if not isinstance(query, str) or not isinstance(documents, list) or not documents:
            raise Refused("Expected a query, and documents as a list of texts.")
        pairs = [{"text": query, "text_pair": document if isinstance(document, str) else document.get("text", "")} for document in documents]
        scores = [(await self.later(lambda pair=pair: self.pipe(pair, top_k=None, truncation=True)))[0]["score"] for pair in pairs]
        ranked = sorted(range(len(scores)), key=lambda index: -scores[index])[: body.get("top_n") or len(scores)]
        return [{"index": index, "document": {"text": pairs[index]["text_pair"]}, "relevance_score": scores[index]} for index in ranked]


class Images(Piped):
    does = "classes of images"

    def __init__(self, path, trusted, start):
        super().__init__(path, trusted, start, "image-classification")

    async def classify(self, body):
        if "labels" in body or "candidate_labels" in body:
            raise Refused("labels: this model has its own classes, and cannot choose between others.")
        images = [image_of(text) for text in texts_of(body)]
        return [self.told(at, await self.later(lambda image=image: self.pipe(image, top_k=len(self.labels)))) for at, image in enumerate(images)]


class NamedImages(Piped):
    does = "classes of images that the request names"

    def __init__(self, path, trusted, start):
        super().__init__(path, trusted, start, "zero-shot-image-classification")

    async def classify(self, body):
        labels, images = self.wished(body), [image_of(text) for text in texts_of(body)]
        return [self.told(at, await self.later(lambda image=image: self.pipe(image, candidate_labels=labels))) for at, image in enumerate(images)]


class Speech(Piped):
    does = "transcriptions"

    def __init__(self, path, trusted, start):
        super().__init__(path, trusted, start, "automatic-speech-recognition")

    async def transcribe(self, request):
        form = await request.form()
        sound = await sound_of(form.get("file"), self.pipe.feature_extractor.sampling_rate)
        asked = {"language": form["language"]} if form.get("language") and self.pipe.type == "seq2seq_whisper" else {}
        found = await self.later(lambda: self.pipe(sound, generate_kwargs=asked) if asked else self.pipe(sound))
        return {"text": found["text"].strip()}
