/**
 * config.pbtxt as the JSON in which a server takes a configuration with a load. The fields that are
 * lists are known by name; which are maps, and which texts are words, is seen. Source:
 * triton-inference-server/common, protobuf/model_config.proto. Pure.
 */
import { parsePbtxt, type TextMessage, type TextValue } from '../../core/analyzer/pbtxt.ts';

const LISTS = new Set(
  `input output dims shape batch_input batch_output target_name source_input instance_group gpus secondary_devices profile resources
  versions preferred_batch_size control_input control int32_false_true fp32_false_true bool_false_true state initial_state step
  gpu_execution_accelerator cpu_execution_accelerator graph_spec model_warmup op_library_filename agents`.split(/\s+/),
);
/** Of these the words true and false are texts. */
const TEXTS = new Set(['string_value', 'value', 'key', 'name']);

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
  if (!TEXTS.has(name) && (value === 'true' || value === 'false')) return value === 'true';
  return value;
}
