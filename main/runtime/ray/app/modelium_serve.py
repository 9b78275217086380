"""The Ray Serve application that Modelium runs for one model: OpenAI's routes below the application's prefix, and /health.

Ray Serve imports `build` and passes it arguments from Modelium. Unless `trusted` is true, no code of the model's folder is imported and no
pickle is read. This file has the routes; `modelium_text` and `modelium_tasks` compute the answers."""
import json
import os
import time
import uuid

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse
from ray import serve

from modelium_key import check_key
from modelium_source import Refused, source_of


async def guard(request: Request):
    check_key(request.headers.get("authorization", ""))


api = FastAPI(dependencies=[Depends(guard)], docs_url=None, redoc_url=None, openapi_url=None)


@api.exception_handler(Refused)
async def refused(_request: Request, error: Refused):
    return JSONResponse(error.body(), error.status)


async def body_of(request):
    try:
        body = await request.json()
    except ValueError:
        raise Refused("The body is no JSON.") from None
    if not isinstance(body, dict):
        raise Refused("The body has to be a JSON object.")
    return body


@serve.deployment
@serve.ingress(api)
class Model:
    def __init__(self, args):
        from modelium_engines import engine_of

        self.name = args["model"]
        self.engine = engine_of(args["task"], source_of(args), bool(args.get("trusted")))

    async def check_health(self):
        self.engine.check()

    def able(self, what):
        work = getattr(self.engine, what, None)
        if work is None:
            raise Refused(f"{self.name} is a model for {self.engine.does}, and has no route for this.", 404)
        return work

    @api.get("/health")
    async def health(self):
        self.engine.check()
        return {"status": "ok", "pid": os.getpid(), "node": os.uname().nodename}

    @api.get("/v1/models")
    async def models(self):
        return {"object": "list", "data": [{"id": self.name, "object": "model", "created": 0, "owned_by": "modelium"}]}

    @api.post("/v1/chat/completions")
    async def chat(self, request: Request):
        body = await body_of(request)
        return await self.generated(self.able("generate")(body, self.engine.chat_prompt(body)), body, "chat.completion")

    @api.post("/v1/completions")
    async def complete(self, request: Request):
        body = await body_of(request)
        return await self.generated(self.able("generate")(body, self.engine.plain_prompt(body)), body, "text_completion")

    async def generated(self, generation, body, kind):
        is_chat = kind == "chat.completion"
        name = f"{'chatcmpl' if is_chat else 'cmpl'}-{uuid.uuid4().hex}"
        head = {"id": name, "created": int(time.time()), "model": self.name}

        def choice(text, reason, streamed):
            words = {"role": "assistant", "content": text}
            part = ({"delta": words} if streamed else {"message": words}) if is_chat else {"text": text}
            return {"index": 0, **part, "logprobs": None, "finish_reason": reason}

        if not body.get("stream"):
            text = "".join([piece async for piece in generation])
            usage = generation.usage()
            return {**head, "object": kind, "choices": [choice(text, generation.reason, False)], "usage": usage}

        async def events():
            chunk = {**head, "object": f"{kind}.chunk" if is_chat else kind}
            try:
                async for piece in generation:
                    yield f"data: {json.dumps({**chunk, 'choices': [choice(piece, None, True)]})}\n\n"
                yield f"data: {json.dumps({**chunk, 'choices': [choice('', generation.reason, True)]})}\n\n"
                if (body.get("stream_options") or {}).get("include_usage"):
                    yield f"data: {json.dumps({**chunk, 'choices': [], 'usage': generation.usage()})}\n\n"
            except Exception as error:  # The head is sent: an error can only be told in the stream.
                yield f"data: {json.dumps({'error': {'message': str(error), 'type': 'server_error', 'code': None}})}\n\n"
            finally:
                generation.cancel()
            yield "data: [DONE]\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    @api.post("/v1/embeddings")
    async def embed(self, request: Request):
        body = await body_of(request)
        vectors, tokens = await self.able("embed")(body)
        data = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return {"object": "list", "model": self.name, "data": data, "usage": usage}

    @api.post("/v1/rerank")
    async def rank(self, request: Request):
        return {"model": self.name, "results": await self.able("rank")(await body_of(request))}

    @api.post("/classify")
    async def classify(self, request: Request):
        return {"object": "list", "model": self.name, "data": await self.able("classify")(await body_of(request))}

    @api.post("/v1/audio/transcriptions")
    async def transcribe(self, request: Request):
        return await self.able("transcribe")(request)


def build(args):
    """Called by Ray Serve. `args`: model, task, source, trusted, deployment (options of Ray), llm (options of ray.serve.llm; absent: not wished)."""
    if "llm" not in args:
        return Model.options(**args["deployment"]).bind(args)
    try:
        from modelium_llm import app_of

        return app_of(args)
    except ImportError as error:
        remedy = 'install "ray[llm]" on its nodes, or remove models.NAME.ray.llm.'
        raise RuntimeError(f"This cluster has no ray.serve.llm that works ({error}): {remedy}") from None
