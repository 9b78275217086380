"""Stands in for Triton's backend of ONNX Runtime: the same models and the same configuration, by PyPI's onnxruntime in the Python backend."""
import os

import numpy
import onnxruntime
import triton_python_backend_utils as triton

TYPES = {
    "tensor(float)": "TYPE_FP32", "tensor(double)": "TYPE_FP64", "tensor(float16)": "TYPE_FP16", "tensor(int64)": "TYPE_INT64",
    "tensor(int32)": "TYPE_INT32", "tensor(int16)": "TYPE_INT16", "tensor(int8)": "TYPE_INT8", "tensor(uint8)": "TYPE_UINT8",
    "tensor(bool)": "TYPE_BOOL", "tensor(string)": "TYPE_STRING",
}


def session_of(folder, version, name):
    path = os.path.join(folder, str(version), name or "model.onnx")
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


class TritonPythonModel:
    @staticmethod
    def auto_complete_config(config):
        given = config.as_dict()
        if given["input"] and given["output"]:
            return config
        # Where the model lies is not told here: it stands in the arguments of the process.
        with open("/proc/self/cmdline", encoding="utf-8") as file:
            session = onnxruntime.InferenceSession(file.read().split("\0")[1], providers=["CPUExecutionProvider"])
        for tensor, add in [(one, config.add_input) for one in session.get_inputs()] + [(one, config.add_output) for one in session.get_outputs()]:
            dims = [size if isinstance(size, int) else -1 for size in tensor.shape]
            add({"name": tensor.name, "data_type": TYPES[tensor.type], "dims": dims or [1]})
        return config

    def initialize(self, args):
        import json

        config = json.loads(args["model_config"])
        self.session = session_of(args["model_repository"], args["model_version"], config["default_model_filename"])
        self.names = [one.name for one in self.session.get_inputs()]
        self.outputs = [one.name for one in self.session.get_outputs()]

    def execute(self, requests):
        responses = []
        for request in requests:
            try:
                given = {name: triton.get_input_tensor_by_name(request, name).as_numpy() for name in self.names}
                computed = self.session.run(self.outputs, given)
                tensors = [triton.Tensor(name, numpy.asarray(value)) for name, value in zip(self.outputs, computed)]
                responses.append(triton.InferenceResponse(tensors))
            except Exception as error:
                responses.append(triton.InferenceResponse(error=triton.TritonError(str(error))))
        return responses
