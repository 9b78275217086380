"""Generates text with transformers, one answer at a time, because a replica has one worker thread. More replicas answer in parallel."""
import asyncio
import threading

from modelium_base import Engine
from modelium_pieces import Pieces
from modelium_source import Refused


class Generation:
    """An answer under way: an asynchronous iterator of pieces of text. `cancel` ends it wherever it stands."""

    def __init__(self, engine, body, ids):
        self.engine, self.prompt_tokens, self.made, self.reason = engine, len(ids), 0, "stop"
        self.stopped = threading.Event()
        self.loop, self.queue = asyncio.get_running_loop(), asyncio.Queue()
        limits = engine.limits(body, len(ids))
        self.stops = limits.pop("stops")
        self.most = limits["max_new_tokens"]
        engine.worker.submit(self.work, ids, limits)

    def usage(self):
        made = self.made
        return {"prompt_tokens": self.prompt_tokens, "completion_tokens": made, "total_tokens": self.prompt_tokens + made}

    def cancel(self):
        self.stopped.set()

    def put(self, item):
        self.loop.call_soon_threadsafe(self.queue.put_nowait, item)

    def work(self, ids, limits):
        try:
            if not self.stopped.is_set():
                self.engine.run(self, ids, limits)
            self.put(None)
        except Exception as error:
            self.put(error)

    async def __aiter__(self):
        text, sent = "", 0
        # What may be the beginning of a stop sequence waits for the next piece.
        held = max([len(stop) - 1 for stop in self.stops], default=0)
        try:
            while (item := await self.queue.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                text += item
                found = [at for at in (text.find(stop) for stop in self.stops) if at >= 0]
                end = min(found) if found else max(sent, len(text) - held)
                if end > sent:
                    yield text[sent:end]
                    sent = end
                if found:
                    self.reason = "stop"
                    return
            if len(text) > sent:
                yield text[sent:]
        finally:
            self.cancel()


class TextEngine(Engine):
    does = "text"

    def __init__(self, path, trusted, start):
        super().__init__()
        from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

        config = AutoConfig.from_pretrained(path, trust_remote_code=trusted)
        self.two_sided = bool(getattr(config, "is_encoder_decoder", False))
        self.context = getattr(config.get_text_config(), "max_position_embeddings", None) or 1 << 20
        self.tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=trusted)
        loader = AutoModelForSeq2SeqLM if self.two_sided else AutoModelForCausalLM
        self.model = start(loader)

    def chat_prompt(self, body):
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            raise Refused("messages: expected a list with at least one message.")
        if not self.tokenizer.chat_template:
            raise Refused("This model has no chat template: send a prompt to /v1/completions.")
        try:
            text = self.tokenizer.apply_chat_template(messages, tools=body.get("tools"), add_generation_prompt=True, tokenize=False)
        except Exception as error:
            raise Refused(f"messages: the model's chat template refuses them: {error}") from None
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def plain_prompt(self, body):
        prompt = body.get("prompt")
        if not isinstance(prompt, str):
            raise Refused("prompt: expected one text.")
        return self.tokenizer(prompt)["input_ids"]

    def limits(self, body, tokens):
        if body.get("n", 1) != 1:
            raise Refused("n: one answer for each request.")
        if tokens == 0:
            raise Refused("The prompt is empty.")
        room = self.context if self.two_sided else self.context - tokens
        if room < 1:
            raise Refused(f"The prompt has {tokens} tokens, and the context of this model is {self.context}.")
        wanted = body.get("max_completion_tokens") or body.get("max_tokens") or (room if "messages" in body else 16)
        stops = body.get("stop") or []
        limits = {"max_new_tokens": min(int(wanted), room), "stops": [stops] if isinstance(stops, str) else list(stops)}
        temperature = body.get("temperature")
        if temperature == 0:
            return {**limits, "do_sample": False, "temperature": None, "top_p": None, "top_k": None, "seed": None}
        asked = {name: body[name] for name in ("temperature", "top_p", "top_k", "repetition_penalty") if body.get(name) is not None}
        return {**limits, **asked, "do_sample": True, "seed": body.get("seed")}

    def generate(self, body, ids):
        return Generation(self, body, ids)

    def run(self, generation, ids, limits):
        import torch
        from transformers import StoppingCriteria, StoppingCriteriaList

        class Until(StoppingCriteria):
            def __call__(self, made, _scores, **_more):
                generation.made = made.shape[-1] - before
                return torch.full((made.shape[0],), generation.stopped.is_set(), device=made.device, dtype=torch.bool)

        before = 1 if self.two_sided else len(ids)
        seed = limits.pop("seed")
        if seed is not None:
            torch.manual_seed(int(seed))
        asked = torch.tensor([ids], device=self.model.device)
        with torch.inference_mode():
            made = self.model.generate(
                asked,
                attention_mask=torch.ones_like(asked),
                streamer=Pieces(self.tokenizer, generation.put),
                stopping_criteria=StoppingCriteriaList([Until()]),
                pad_token_id=self.tokenizer.pad_token_id or self.tokenizer.eos_token_id,
                **limits,
            )
        generation.made = made.shape[-1] - before
        ends = self.model.generation_config.eos_token_id
        last = int(made[0, -1])
        is_end = last in (ends if isinstance(ends, list) else [ends])
        generation.reason = "length" if generation.made >= generation.most and not is_end else "stop"
