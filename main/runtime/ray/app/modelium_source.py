"""Finds a model's files on the cluster. Does not read them."""
import os
import sys


class Refused(Exception):
    """What a client did wrong, in a sentence."""

    def __init__(self, message, status=400):
        super().__init__(message)
        self.status = status

    def body(self):
        return {"error": {"message": str(self), "type": "invalid_request_error", "code": None}}


def source_of(args):
    """A folder that this node can read, or the name of a model that its libraries fetch.

    `source` is {"path": ...}: a folder that every node sees; {"package": SHA-1}: files that were uploaded, which Ray unpacked beside the code;
    {"uri": "hf://owner/name"}: fetched by the node itself; or another URI of a zip file, which Ray unpacked likewise.
    """
    source = args["source"]
    if "package" in source:
        wanted = f"_ray_pkg_{source['package']}"
        found = [folder for folder in unpacked() if os.path.basename(folder.rstrip("/")) == wanted]
        if not found:
            raise FileNotFoundError(f"Ray unpacked no package {wanted} on {os.uname().nodename}.")
        return os.path.join(found[0], "modelium_model")
    if "uri" in source:
        uri = source["uri"]
        if uri.startswith("hf://"):
            return uri.removeprefix("hf://")
        for folder in unpacked():
            for place in [folder, *sorted(entry.path for entry in os.scandir(folder) if entry.is_dir())]:
                if os.path.exists(os.path.join(place, "config.json")):
                    return place
        raise FileNotFoundError(f"{uri} holds no config.json.")
    path = source["path"]
    if not os.path.isdir(path):
        raise FileNotFoundError(f"not-visible-on-cluster: {path} is no folder on the node {os.uname().nodename}.")
    return path


def unpacked():
    return [folder for folder in sys.path if "py_modules_files" in folder and os.path.isdir(folder)]
