"""The key that each request has to bring: Serve's proxy knows no keys, and every machine of the cluster can reach it."""
import hmac
import os

from modelium_source import Refused


def check_key(authorization):
    key = os.environ.get("MODELIUM_KEY", "")
    given = authorization.removeprefix("Bearer ").strip()
    if key and not hmac.compare_digest(key.encode(), given.encode()):
        raise Refused("This application answers to Modelium alone: the key is missing or wrong.", 401)
