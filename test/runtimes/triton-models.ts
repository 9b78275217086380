/**
 * Models for the real Triton: a real ONNX file of a PyPI package, and folders with code for its
 * Python backend.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { here } from './children.ts';

/** The program that test/runtimes/setup-triton makes. */
export function tritonProgram(): string {
  return execFileSync(here('setup-triton'), ['--where'], { encoding: 'utf8' }).trim();
}

/**
 * Answers a text backwards. `die` ends its process, `fail` raises; `{"text_input": "slow"}` takes
 * two seconds.
 */
const TEXT_MODEL = `import os, signal, time
import numpy
import triton_python_backend_utils as triton

class TritonPythonModel:
    def initialize(self, args):
        self.folder = os.path.join(args["model_repository"], args["model_version"])

    def execute(self, requests):
        responses = []
        for request in requests:
            text = triton.get_input_tensor_by_name(request, "text_input").as_numpy().reshape(-1)[0].decode()
            if text == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            if text == "fail":
                raise ValueError("this text is refused")
            if text == "slow":
                time.sleep(2)
            answer = numpy.array([text[::-1].encode()], dtype=object)
            responses.append(triton.InferenceResponse([triton.Tensor("text_output", answer)]))
        return responses
`;
const TEXT_CONFIG = `name: "another name"
backend: "python"
input [ { name: "text_input" data_type: TYPE_STRING dims: [ 1 ] } ]
output [ { name: "text_output" data_type: TYPE_STRING dims: [ 1 ] } ]
instance_group [ { count: 4 kind: KIND_GPU } ] # one where it is placed
`;

export function writeTextModel(folder: string, code = TEXT_MODEL): void {
  mkdirSync(join(folder, '1'), { recursive: true });
  writeFileSync(join(folder, 'config.pbtxt'), TEXT_CONFIG);
  writeFileSync(join(folder, '1/model.py'), code);
}

/** @param file path of an ONNX file. */
export function copyOnnx(file: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  cpSync(file, join(folder, 'model.onnx'));
}
