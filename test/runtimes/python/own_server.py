"""A server of somebody else's: xllamacpp's HTTP server, with flags such as a person would give it. Knows nothing of Modelium."""
import argparse
import os
import signal

import xllamacpp

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--alias", required=True)
parser.add_argument("--context", type=int, required=True)
asked = parser.parse_args()

params = xllamacpp.CommonParams()
params.model.path = asked.model
params.hostnames = ["127.0.0.1"]
params.port = asked.port
params.model_alias = {asked.alias}
params.n_ctx = asked.context
params.n_parallel = 1
params.n_gpu_layers = 0
params.cpuparams.n_threads = 1
params.api_keys = [os.environ["OWN_KEY"]]
server = xllamacpp.Server(params)
print("listening at", server.listening_address, flush=True)
signal.sigwait({signal.SIGTERM, signal.SIGINT})
