/**
 * Endings of files that are models by themselves: of what a watch folder takes, and a browser may
 * send.
 */
export const MODEL_ENDINGS = ['gguf', 'safetensors', 'onnx', 'pt', 'pth', 'plan', 'engine'] as const;
