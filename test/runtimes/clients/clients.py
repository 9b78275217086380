"""Stock Python clients against a running engine: one line of JSON for each check, {"check", "ok", "told"}.

usage: clients.py ADDRESS [CHECK ...]. The engine serves "talker" (chats, tools) and "words" (embeddings); its models are untrained, so what is checked is that
each client reads the answer to its end and finds in it what the schema demands. "talker" takes seconds to load, and is unloaded before each stream.
"""
import asyncio
import json
import os
import sys
import traceback
from typing import Literal

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["LANGSMITH_TRACING"] = "false"

import instructor
import litellm
import openai
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel, Field
from pydantic_ai import Agent, ModelSettings, NativeOutput, ToolOutput
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

ADDRESS = sys.argv[1]
BASE = f"{ADDRESS}/v1"
MESSAGES = [{"role": "user", "content": "Hello"}]
SHORT = {"max_tokens": 6, "temperature": 0}
client = openai.OpenAI(base_url=BASE, api_key="any", max_retries=0)


class State(BaseModel):
    city: Literal["Ulm", "Bern"]
    ready: bool
    count: int = Field(ge=1, le=9)


TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string", "enum": ["Ulm", "Bern"]}}, "required": ["city"]},
    },
}
CALL = {"tools": [TOOL], "tool_choice": "required", "max_tokens": 200, "seed": 4, "temperature": 0}


def unload():
    """The next request has to wait for a load."""
    import time
    import urllib.request

    body = json.dumps({"prompt": "a", "max_tokens": 1, "keep_alive_seconds": 0}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{ADDRESS}/predict/talker", body)).read()
    while True:
        models = json.load(urllib.request.urlopen(f"{ADDRESS}/models"))["models"]
        if next(model["state"] for model in models if model["id"] == "talker") == "unloaded":
            return
        time.sleep(0.1)


# ---- openai --------------------------------------------------------------------------------------


def whole():
    return client.chat.completions.create(model="talker", messages=MESSAGES, **SHORT).choices[0].message.content


def openai_chat():
    answer = client.chat.completions.create(model="talker", messages=MESSAGES, **SHORT)
    assert answer.choices[0].finish_reason == "length" and answer.usage.completion_tokens == 6
    assert {model.id for model in client.models.list()} == {"talker", "words"}


def openai_stream():
    """The loop of its README: every chunk has a choice."""
    expected = whole()
    unload()
    text = ""
    for chunk in client.chat.completions.create(model="talker", messages=MESSAGES, stream=True, **SHORT):
        assert chunk.id and chunk.created and chunk.model == "talker" and chunk.object == "chat.completion.chunk"
        text += chunk.choices[0].delta.content or ""
    assert text == expected, (text, expected)


def openai_async_stream():
    expected = whole()
    unload()

    async def go():
        asked = openai.AsyncOpenAI(base_url=BASE, api_key="any", max_retries=0)
        stream = await asked.chat.completions.create(
            model="talker", messages=MESSAGES, stream=True, stream_options={"include_usage": True}, **SHORT
        )
        chunks = [chunk async for chunk in stream]
        assert [bool(chunk.choices) for chunk in chunks] == [True] * (len(chunks) - 1) + [False]
        assert chunks[-1].usage.completion_tokens == 6
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1]) == expected

    asyncio.run(go())


def openai_completions_stream():
    unload()
    chunks = list(client.completions.create(model="talker", prompt="the", stream=True, **SHORT))
    assert all(chunk.choices[0] and chunk.object == "text_completion" for chunk in chunks)


def openai_helper():
    unload()
    with client.chat.completions.stream(model="talker", messages=MESSAGES, **SHORT) as stream:
        text = ""
        try:
            for event in stream:
                text += event.delta if event.type == "content.delta" else ""
        except openai.LengthFinishReasonError:
            # Its way of saying that max_tokens came first.
            pass
    assert text == whole()


def openai_tools():
    [call] = client.chat.completions.create(model="talker", messages=MESSAGES, parallel_tool_calls=False, **CALL).choices[0].message.tool_calls
    assert json.loads(call.function.arguments)["city"] in ("Ulm", "Bern")


def openai_parse():
    parsed = client.chat.completions.parse(model="talker", messages=MESSAGES, max_tokens=200, response_format=State)
    assert isinstance(parsed.choices[0].message.parsed, State)


def openai_embeddings():
    vectors = client.embeddings.create(model="words", input=["memory", "the model", "memory"]).data
    assert [len(item.embedding) for item in vectors] == [64] * 3
    assert vectors[0].embedding == vectors[2].embedding != vectors[1].embedding


def openai_errors():
    try:
        client.chat.completions.create(model="talker", messages=[{"role": "user", "content": "word " * 3000}], max_tokens=1)
    except openai.BadRequestError as error:
        assert error.code == "context_length_exceeded", error.code
        return
    raise AssertionError("a prompt that is too long was answered")


# ---- LangChain -----------------------------------------------------------------------------------


def chain(**more):
    return ChatOpenAI(base_url=BASE, api_key="any", model="talker", max_retries=0, **{**SHORT, **more})


def langchain_chat():
    assert chain().invoke("Hello").content == whole()


def langchain_stream():
    expected = whole()
    unload()
    assert "".join(piece.content for piece in chain().stream("Hello")) == expected


def langchain_tools():
    @tool
    def weather(city: Literal["Ulm", "Bern"]) -> str:
        """The weather of a city."""
        return "fine"

    answer = chain(max_tokens=200).bind_tools([weather], tool_choice="required", parallel_tool_calls=False).invoke("Hello")
    assert answer.tool_calls[0]["args"]["city"] in ("Ulm", "Bern")


def langchain_structured():
    for method in ("json_schema", "function_calling"):
        assert isinstance(chain(max_tokens=200).with_structured_output(State, method=method).invoke("Hello"), State)


def langchain_embeddings():
    # Without its own cutting by OpenAI's tokens, which it would have to fetch.
    embeddings = OpenAIEmbeddings(base_url=BASE, api_key="any", model="words", check_embedding_ctx_length=False)
    assert [len(vector) for vector in embeddings.embed_documents(["memory", "the model"])] == [64, 64]


# ---- LiteLLM -------------------------------------------------------------------------------------

LITE = {"model": "openai/talker", "api_base": BASE, "api_key": "any", "num_retries": 0}


def litellm_chat():
    assert litellm.completion(messages=MESSAGES, **LITE, **SHORT).choices[0].message.content == whole()


def litellm_stream():
    expected = whole()
    unload()
    stream = litellm.completion(messages=MESSAGES, stream=True, **LITE, **SHORT)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == expected


def litellm_text_stream():
    unload()
    asked = {**LITE, "model": "text-completion-openai/talker"}
    assert list(litellm.text_completion(prompt="the", stream=True, **asked, **SHORT))


def litellm_tools():
    [call] = litellm.completion(messages=MESSAGES, **LITE, **CALL, parallel_tool_calls=False).choices[0].message.tool_calls
    assert json.loads(call.function.arguments)["city"] in ("Ulm", "Bern")


def litellm_too_long():
    try:
        litellm.completion(messages=[{"role": "user", "content": "word " * 3000}], **LITE, max_tokens=1)
    except litellm.ContextWindowExceededError:
        return
    raise AssertionError("a prompt that is too long was answered")


def litellm_embeddings():
    answer = litellm.embedding(model="openai/words", input=["memory"], api_base=BASE, api_key="any")
    assert len(answer.data[0]["embedding"]) == 64


# ---- pydantic-ai ---------------------------------------------------------------------------------


def agent(most=200, **more):
    model = OpenAIChatModel("talker", provider=OpenAIProvider(base_url=BASE, api_key="any"))
    return Agent(model, model_settings=ModelSettings(max_tokens=most, temperature=0), **more)


def pydantic_ai_chat():
    assert agent(6).run_sync("Hello").usage.output_tokens == 6


def pydantic_ai_stream():
    unload()

    async def go():
        async with agent(6).run_stream("Hello") as run:
            assert [piece async for piece in run.stream_text(delta=True, debounce_by=None)]
            assert run.usage.output_tokens == 6

    asyncio.run(go())


def pydantic_ai_tool_output():
    assert isinstance(agent(output_type=ToolOutput(State)).run_sync("Hello").output, State)


def pydantic_ai_native_output():
    assert isinstance(agent(output_type=NativeOutput(State)).run_sync("Hello").output, State)


# ---- instructor ----------------------------------------------------------------------------------


def instructor_of(mode):
    made = instructor.from_openai(openai.OpenAI(base_url=BASE, api_key="any", max_retries=0), mode=mode)
    asked = {"max_tokens": 200, "temperature": 0, "seed": 4, "max_retries": 1}
    return made.chat.completions.create(model="talker", messages=MESSAGES, response_model=State, **asked)


def instructor_tools():
    assert isinstance(instructor_of(instructor.Mode.TOOLS), State)


def instructor_json_schema():
    assert isinstance(instructor_of(instructor.Mode.JSON_SCHEMA), State)


BEGINNINGS = ("openai_", "langchain_", "litellm_", "pydantic_ai_", "instructor_")
CHECKS = [make for name, make in list(globals().items()) if name.startswith(BEGINNINGS) and callable(make) and name != "instructor_of"]

for check in CHECKS:
    if sys.argv[2:] and check.__name__ not in sys.argv[2:]:
        continue
    try:
        check()
        line = {"check": check.__name__, "ok": True, "told": ""}
    except Exception as error:
        line = {"check": check.__name__, "ok": False, "told": "".join(traceback.format_exception(error))[-1500:]}
    print(json.dumps(line), flush=True)
