/**
 * Recognises subfolders that are part of the surrounding model, by their names: quantisations,
 * components of pipelines, versions, exports. Pure.
 */

/** `Q4_K_M`, `UD-IQ2_XXS`, `BF16`, `fp8`, as the name itself or at its end. */
const QUANTIZATION = /(?:^|[-_.])((?:ud[-_])?(?:i?q[1-8](?:_\w+)?|tq[12]_\d|mxfp4(?:_moe)?|nvfp4|bf16|f16|f32|fp16|fp32|fp8|int[48]))$/i;

/**
 * Of diffusers, sentence-transformers, Triton, and of repositories that carry the same model in
 * more than one format.
 */
const PART =
  /^(?:unet|vae|vae_\w+|vqvae|transformer(?:_\d)?|text_encoder(?:_\d)?|tokenizer(?:_\d)?|scheduler|safety_checker|feature_extractor|image_encoder|image_processor|controlnet|prior|decoder|vocoder|\d+_[A-Z]\w*|\d+|onnx|openvino|original|tensorrt|coreml|tflite|flax|mlx|gguf|mmproj|assets|images|figures|examples|docs)$/;

/** The quantisation that a folder's name says; null: none. `stem` is the rest of the name. */
export function quantizationOf(name: string): { readonly quantization: string; readonly stem: string } | null {
  const found = QUANTIZATION.exec(name);
  return found === null ? null : { quantization: found[1] ?? '', stem: name.slice(0, found.index) };
}

/**
 * Is the folder a part of its parent, as `REPO/Q4_K_M` and `REPO-GGUF/REPO-Q4_K_M` are, and
 * `publisher/Model-Q4_K_M` is not?
 */
export function isPartFolder(name: string, parent: string): boolean {
  if (PART.test(name)) return true;
  const found = quantizationOf(name);
  return found !== null && parent.toLowerCase().startsWith(found.stem.toLowerCase());
}
