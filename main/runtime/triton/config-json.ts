/**
 * Converts a config.pbtxt into the JSON that a server accepts with a load call. Lists and booleans
 * are recognised by the names of their fields, maps by their form. Source:
 * triton-inference-server/common, protobuf/model_config.proto. Pure.
 */
import { booleanIn, parsePbtxt, type TextMessage, type TextValue } from '../../core/analyzer/pbtxt.ts';

const LISTS = new Set(
  `input output dims shape batch_input batch_output target_name source_input instance_group gpus secondary_devices profile resources
  versions preferred_batch_size control_input control int32_false_true fp32_false_true bool_false_true state initial_state step
  gpu_execution_accelerator cpu_execution_accelerator graph_spec model_warmup op_library_filename agents`.split(/\s+/),
);
/** JSON has two words for yes and no, where the text format has seven. */
const BOOLEANS = new Set(
  `optional is_shape_tensor allow_ragged_batch is_non_linear_format_io use_same_buffer_for_input_output zero_data random_data
  preserve_ordering decoupled eager_batching enable passive graphs busy_wait_events output_copy_stream iterative_sequence
  use_initial_state_buffer global`.split(/\s+/),
);

/** @throws FormatError `damaged`, where it cannot be read. */
export function configJson(pbtxt: string): string {
  return JSON.stringify(toJson(parsePbtxt(pbtxt)));
}

function toJson(message: TextMessage): Readonly<Record<string, unknown>> {
  return Object.fromEntries([...message].map(([name, values]) => [name, fieldOf(name, values)]));
}

function fieldOf(name: string, values: readonly TextValue[]): unknown {
  if (values.length > 0 && values.every(isEntry))
    return Object.fromEntries(values.map((entry) => [String(entry.get('key')?.[0]), single('value', entry.get('value')?.[0] ?? '')]));
  const all = values.map((value) => single(name, value));
  return LISTS.has(name) || all.length > 1 ? all : all[0];
}

function isEntry(value: TextValue): value is TextMessage {
  return typeof value === 'object' && value.has('key') && [...value.keys()].every((field) => field === 'key' || field === 'value');
}

function single(name: string, value: TextValue): unknown {
  if (typeof value === 'object') return toJson(value);
  return BOOLEANS.has(name) ? (booleanIn(value) ?? value) : value;
}
