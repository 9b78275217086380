"""The application that ray.serve.llm makes of a model, in which vLLM computes: with Modelium's key, and with the cause where vLLM does not start.

Imported only where that is wished: a cluster may not have it. Seen with Ray 2.60."""
import re

from ray import serve
from ray.serve.llm import LLMConfig, build_openai_app
from ray.serve.llm.deployment import LLMServer
from starlette.datastructures import Headers
from starlette.responses import JSONResponse

from modelium_key import check_key
from modelium_source import Refused, source_of

# As vLLM's processes write it to their log, each line behind what wrote it and where.
CAUSE = re.compile(r"^\(.*?\] ((?:\w+\.)*\w*(?:Error|Exception): \S.*)", re.MULTILINE)
ONLY_WRAPS = "Engine core initialization failed"
MOST_LOG_BYTES = 1_000_000


class Server(LLMServer):
    async def start(self):
        try:
            await super().start()
        except Exception as error:
            # Where a process of its own failed, vLLM raises what names no cause, and writes the cause to the log.
            words = cause_in(own_log()) if ONLY_WRAPS in str(error) else str(error)
            # In one line: of a traceback only the last is told.
            raise RuntimeError(" ".join(words.split())) from None


def own_log():
    """What this process and its children have written: Ray gives each replica a file."""
    with open("/proc/self/fd/1", errors="replace") as log:
        return log.read(MOST_LOG_BYTES)


def cause_in(log):
    causes = [cause for cause in CAUSE.findall(log) if ONLY_WRAPS not in cause]
    return causes[0] if causes else "vLLM did not start, and its log names no error."


def app_of(args):
    config = LLMConfig(
        model_loading_config={"model_id": args["model"], "model_source": source_of(args)},
        server_cls=Server,
        deployment_config=args["deployment"],
        **args["llm"],
    )
    return guarded(build_openai_app({"llm_configs": [config]}))


def guarded(app):
    """The same routes, each of which asks for the key first: ray.serve.llm itself has no place for one."""
    routes = app._bound_deployment

    class Routes(routes.func_or_class):
        async def __call__(self, scope, receive, send):
            try:
                check_key(Headers(scope=scope).get("authorization", ""))
            except Refused as error:
                await JSONResponse(error.body(), error.status)(scope, receive, send)
            else:
                await super().__call__(scope, receive, send)

    # What they compute is little: no processor is set aside for them, and the model's own bound of requests is the one that counts.
    options = {"name": "Routes", "max_ongoing_requests": 1_000_000, "ray_actor_options": {"num_cpus": 0}}
    return serve.deployment(Routes, **options).bind(*routes.init_args, **routes.init_kwargs)
