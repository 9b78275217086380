/** Configurations of Triton as people write them. */

export const TRITON_CONFIG = `name: "resnet"
backend: "onnxruntime"
max_batch_size: 8
input  [ { name: "x" data_type: TYPE_FP32 dims: [ 3, 224, -1 ] } ]
output [ { name: "y" data_type: TYPE_FP32 dims: [ 1000 ] } ]
instance_group [ { count: 2 kind: KIND_GPU gpus: [ 0 ] } ]     # KIND_CPU without GPU
dynamic_batching { }
parameters { key: "enable_mem_arena" value: { string_value: "0" } }
`;

export const TRITON_ENSEMBLE = `name: "pipeline"
platform: "ensemble"
input [ { name: "IMAGE" data_type: TYPE_UINT8 dims: [ -1 ] } ]
output [ { name: "CLASS" data_type: TYPE_FP32 dims: [ 1000 ] } ]
ensemble_scheduling {
  step [
    { model_name: "preprocess" model_version: -1 input_map { key: "raw" value: "IMAGE" } output_map { key: "out" value: "tensor" } },
    { model_name: "resnet" model_version: -1 input_map { key: "x" value: "tensor" } output_map { key: "y" value: "CLASS" } }
  ]
}
`;
