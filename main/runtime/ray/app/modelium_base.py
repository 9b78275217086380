"""Shared by all engines: one worker thread each, and reading the texts of a request."""
import asyncio
from concurrent.futures import ThreadPoolExecutor

from modelium_source import Refused


def texts_of(body):
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        raise Refused("input: expected a text, or a list of texts that are not empty.")
    return texts


class Engine:
    def __init__(self):
        self.worker = ThreadPoolExecutor(1)

    def check(self):
        """Ray calls it to know whether this replica lives."""

    def later(self, work, *given):
        return asyncio.get_running_loop().run_in_executor(self.worker, work, *given)
