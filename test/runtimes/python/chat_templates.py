"""Renders chat templates as transformers compiles them, for the corpus test of our own engine.

    chat_templates.py CONVERSATIONS < {"name": "template text", ...}       what is written: {"name": {"conversation": {"text"} or {"error"}}}
    chat_templates.py --expressions < ["{{ 1 }}", ...]                     what is written: [{"text"} or {"error"}, ...]

The clock of strftime_now stands at 2026-03-05 07:08:09.
"""

import datetime
import json
import sys

from transformers.utils import chat_template_utils as utils


class FixedClock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2026, 3, 5, 7, 8, 9)


utils.datetime = FixedClock
TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}


def render(template, variables):
    try:
        return {"text": utils._compile_jinja_template(template).render(**variables)}
    except Exception as error:  # whatever a template does to refuse
        return {"error": f"{type(error).__name__}: {error}"}


def render_conversation(template, conversation):
    variables = {"messages": conversation["messages"], "tools": conversation.get("tools"), "documents": None}
    return render(template, {**variables, "add_generation_prompt": True, **TOKENS, **conversation.get("variables", {})})


if sys.argv[1] == "--expressions":
    values = {"s": "  a b  ", "n": None, "l": [3, 1, 2], "d": {"b": 1, "a": None, "items": 5}, "f": 1.0, "u": "😀é", **TOKENS}
    json.dump([render(template, values) for template in json.load(sys.stdin)], sys.stdout)
else:
    with open(sys.argv[1], encoding="utf-8") as file:
        conversations = json.load(file)
    made = {
        name: {label: render_conversation(template, conversation) for label, conversation in conversations.items()}
        for name, template in json.load(sys.stdin).items()
    }
    json.dump(made, sys.stdout, ensure_ascii=False)
