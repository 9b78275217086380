/**
 * The kind of a transformers model (chat, embedding ...): from its class name, then from the other
 * files in the folder. Pure.
 */
import type { ModelKind } from '../../../shared/profile.ts';
import { type Config, count, modelType } from './huggingface-config.ts';
import { isObject } from './json.ts';

export interface KindFacts {
  readonly config: Config;
  readonly architecture: string;
  readonly hasChatTemplate: boolean;
  /** Folder of sentence-transformers, or a README that says so: its vectors are what it is for. */
  readonly isSentenceModel: boolean;
  /** `pipeline_tag` of the README's front matter. */
  readonly pipelineTag: string | null;
}

/** The end of the class's name tells what it answers with. First match counts. */
const BY_SUFFIX: readonly (readonly [suffix: RegExp, kind: ModelKind])[] = [
  [/(?:ForSpeechSeq2Seq|ForCTC|ForAudioClassification|ForTextToSpeech|ForTextToWaveform|ForSpeechToText)$|^(?:Whisper|SpeechT5)/, 'speech'],
  [
    /(?:ForImageClassification|ForObjectDetection|ForSemanticSegmentation|ForInstanceSegmentation|ForUniversalSegmentation|ForImageSegmentation|ForDepthEstimation|ForImageClassificationWithTeacher|ForZeroShotImageClassification|ForImageToImage|ForMaskGeneration|ForVideoClassification)$/,
    'vision',
  ],
  [/(?:ForSequenceClassification|ForTokenClassification|ForQuestionAnswering|ForMultipleChoice|RewardModel|ForRewardModel)$/, 'classifier'],
  [/(?:ForConditionalGeneration|ForVision2Seq|ForImageTextToText|ForVisionText2Text)$/, 'completion'],
  [/(?:ForCausalLM|LMHeadModel|ChatModel|ForCausalLMWithValueHead|MultiModalityCausalLM|LMModel)$/, 'completion'],
  [/(?:ForMaskedLM|ForTextEncoding|EmbeddingModel|ForPreTraining|EncoderModel)$/, 'embedding'],
];
const SPEECH_TYPES = /^(?:whisper|wav2vec2|hubert|wavlm|unispeech|sew|data2vec-audio|encodec|mimi|speecht5|vits|bark|musicgen|seamless)/;
const VISION_TYPES =
  /^(?:vit|deit|beit|swin|convnext|resnet|dinov\d|dino|regnet|mobilevit|mobilenet|efficientnet|segformer|detr|yolos|rt_detr|d_fine|sam|mask2former|maskformer|depth|dpt|hiera|timm_wrapper|data2vec-vision|focalnet|levit|poolformer|pvt|van|vitdet|ijepa|oneformer|superpoint|zoedepth)/;
/** Two towers that give vectors of images and texts: what people call embeddings. */
const TWO_TOWERS = /^(?:clip|siglip|align|altclip|chinese_clip|clap|blip_|owlvit|groupvit|metaclip)/;
const BY_TAG: Readonly<Record<string, ModelKind>> = {
  'feature-extraction': 'embedding',
  'sentence-similarity': 'embedding',
  'text-ranking': 'reranker',
  'text-classification': 'classifier',
  'token-classification': 'classifier',
  'text-generation': 'completion',
  'automatic-speech-recognition': 'speech',
  'image-classification': 'vision',
  'object-detection': 'vision',
  'image-segmentation': 'vision',
  'image-text-to-text': 'vision-language',
};
/**
 * Classes of multimodal models whose name does not end like one, and whose configuration has no
 * part named after what they see.
 */
const SEEING =
  /(?:VL|Vision|Llava|PaliGemma|Idefics|Molmo|Florence|CogVLM|Ovis|Pixtral|MiniCPMV|MiniCPMO|Janus|Kimi_?VL|Phi3V|Phi4MM|SmolVLM)/i;

export function kindOf(facts: KindFacts): ModelKind {
  const { config, architecture } = facts;
  const kind = BY_SUFFIX.find(([suffix]) => suffix.test(architecture))?.[1] ?? byType(config, architecture);
  if (kind === 'classifier') return isReranker(facts) ? 'reranker' : 'classifier';
  if (facts.isSentenceModel) return 'embedding';
  if (kind === 'completion') return generates(facts);
  if (kind === 'unknown' && facts.pipelineTag !== null) return BY_TAG[facts.pipelineTag] ?? 'unknown';
  return kind;
}

function byType(config: Config, architecture: string): ModelKind {
  const type = modelType(config);
  if (SPEECH_TYPES.test(type)) return 'speech';
  if (TWO_TOWERS.test(type)) return 'embedding';
  if (VISION_TYPES.test(type)) return 'vision';
  return /Model$/.test(architecture) ? 'embedding' : 'unknown';
}

function generates({ config, architecture, hasChatTemplate }: KindFacts): ModelKind {
  const sees = ['vision_config', 'vision_tower', 'mm_vision_tower', 'visual', 'vit_config'].some((key) => (config[key] ?? null) !== null);
  if (sees || 'image_token_id' in config || 'image_token_index' in config || SEEING.test(architecture)) return 'vision-language';
  const hears = isObject(config['audio_config']) || isObject(config['encoder_config']);
  if (hears && !hasChatTemplate) return 'speech';
  return hasChatTemplate ? 'chat' : 'completion';
}

/** A classifier with a single figure to give ranks pairs of texts. */
function isReranker({ config, pipelineTag, architecture }: KindFacts): boolean {
  if (pipelineTag === 'text-ranking') return true;
  if (!/ForSequenceClassification$/.test(architecture)) return false;
  const labels = config['id2label'];
  if (isObject(labels)) return Object.keys(labels).length === 1;
  return count(config, 'num_labels') === 1;
}

/** Types whose stack only reads: they keep no cache. */
const ENCODERS =
  /^(?:bert|roberta|xlm-roberta|xlm-roberta-xl|distilbert|albert|electra|deberta|deberta-v2|mpnet|nomic_bert|modernbert|new|jina_bert|camembert|ernie|ernie_m|eurobert|xlm|flaubert|layoutlm\w*|longformer|big_bird|convbert|funnel|luke|splinter|squeezebert|rembert|megatron-bert|ibert|mobilebert|esm|roformer|nezha|lilt|markuplm|data2vec-text|gte|neobert|t5gemma_encoder)$/;

/** Has it no decoder, and so no cache? */
export function isEncoder(config: Config): boolean {
  const type = modelType(config);
  if (config['is_decoder'] === true) return false;
  if (ENCODERS.test(type) || VISION_TYPES.test(type) || TWO_TOWERS.test(type)) return true;
  return SPEECH_TYPES.test(type) && config['is_encoder_decoder'] !== true && !/^(?:whisper|bark|musicgen|seamless|speecht5)/.test(type);
}
