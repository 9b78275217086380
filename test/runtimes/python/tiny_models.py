"""
Makes a small random model of each architecture and way of stretching positions that Modelium converts, and what the transformers library computes
with it on the processor: probabilities behind three prompts, the 40 tokens that follow the first one greedily, or the vectors of an encoder.

    python tiny_models.py FOLDER [CASE ...]      a folder for each case, with reference.json in it; a line of JSON for each
"""
import json
import math
import os
import sys

import torch
import transformers as hf
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

torch.set_num_threads(2)
VOCABULARY = 320
CL100K = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
COMMON = dict(vocab_size=VOCABULARY, hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4, bos_token_id=0, eos_token_id=1, pad_token_id=None)
GROUPED = dict(COMMON, num_key_value_heads=2, max_position_embeddings=256)
ENCODER = dict(vocab_size=VOCABULARY, hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4, max_position_embeddings=128)
LLAMA3 = dict(rope_type='llama3', factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32)
LONG = dict(
    rope_type='longrope',
    short_factor=[1.0 + 0.05 * i for i in range(8)],
    long_factor=[1.0 + 0.6 * i for i in range(8)],
    original_max_position_embeddings=256,
)
STRETCHED = dict(GROUPED, max_position_embeddings=1024)


def rope(theta=10000.0, **more):
    return dict(rope_parameters=dict({'rope_type': 'default', 'rope_theta': theta}, **more))


# name -> (configuration class, model class, settings, further facts)
CASES = {
    'llama': (hf.LlamaConfig, hf.LlamaForCausalLM, dict(GROUPED), {}),
    'llama-tied-biased': (hf.LlamaConfig, hf.LlamaForCausalLM, dict(GROUPED, tie_word_embeddings=True, attention_bias=True, mlp_bias=True), {}),
    'llama-head-size': (hf.LlamaConfig, hf.LlamaForCausalLM, dict(GROUPED, head_dim=32, **rope(500000.0)), {'old': True}),
    'llama-linear': (hf.LlamaConfig, hf.LlamaForCausalLM, dict(GROUPED, **rope(rope_type='linear', factor=4.0)), {'old': True}),
    'llama-dynamic': (hf.LlamaConfig, hf.LlamaForCausalLM, dict(GROUPED, **rope(rope_type='dynamic', factor=4.0)), {}),
    'llama-yarn': (hf.LlamaConfig, hf.LlamaForCausalLM, dict(GROUPED, **rope(rope_type='yarn', factor=4.0, original_max_position_embeddings=64)), {}),
    'llama-yarn-factors': (
        hf.LlamaConfig,
        hf.LlamaForCausalLM,
        dict(GROUPED, **rope(rope_type='yarn', factor=4.0, original_max_position_embeddings=64, attention_factor=0.8, beta_fast=16, beta_slow=2)),
        {'old': True},
    ),
    'llama-3': (hf.LlamaConfig, hf.LlamaForCausalLM, dict(GROUPED, **rope(**LLAMA3)), {'old': True, 'shards': True}),
    'llama-longrope': (hf.LlamaConfig, hf.LlamaForCausalLM, dict(STRETCHED, **rope(**LONG)), {}),
    'mistral': (hf.MistralConfig, hf.MistralForCausalLM, dict(GROUPED, sliding_window=128), {}),
    'mixtral': (hf.MixtralConfig, hf.MixtralForCausalLM, dict(GROUPED, num_local_experts=4, num_experts_per_tok=2, sliding_window=None), {}),
    'qwen2': (hf.Qwen2Config, hf.Qwen2ForCausalLM, dict(GROUPED), {}),
    'qwen2-yarn': (hf.Qwen2Config, hf.Qwen2ForCausalLM, dict(GROUPED, **rope(1e6, rope_type='yarn', factor=4.0, original_max_position_embeddings=64)), {'old': True}),
    'qwen2-moe': (
        hf.Qwen2MoeConfig,
        hf.Qwen2MoeForCausalLM,
        dict(GROUPED, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=32, shared_expert_intermediate_size=64, norm_topk_prob=False),
        {},
    ),
    'qwen3': (hf.Qwen3Config, hf.Qwen3ForCausalLM, dict(GROUPED, head_dim=32, tie_word_embeddings=True), {}),
    'qwen3-moe': (
        hf.Qwen3MoeConfig,
        hf.Qwen3MoeForCausalLM,
        dict(GROUPED, head_dim=32, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=32, norm_topk_prob=True),
        {},
    ),
    'phi3': (hf.Phi3Config, hf.Phi3ForCausalLM, dict(GROUPED), {}),
    'phi3-longrope-short': (hf.Phi3Config, hf.Phi3ForCausalLM, dict(STRETCHED, original_max_position_embeddings=256, **rope(**LONG)), {}),
    'phi3-longrope-long': (hf.Phi3Config, hf.Phi3ForCausalLM, dict(STRETCHED, original_max_position_embeddings=256, **rope(**LONG)), {'prompt': 280, 'context': 512}),
    'gemma': (hf.GemmaConfig, hf.GemmaForCausalLM, dict(GROUPED, head_dim=32), {}),
    'gemma2': (hf.Gemma2Config, hf.Gemma2ForCausalLM, dict(GROUPED, head_dim=32, query_pre_attn_scalar=32, sliding_window=24), {}),
    'gemma3': (
        hf.Gemma3TextConfig,
        hf.Gemma3ForCausalLM,
        dict(GROUPED, num_hidden_layers=7, head_dim=32, query_pre_attn_scalar=32, sliding_window=24),
        {},
    ),
    'gemma3-linear': (
        hf.Gemma3TextConfig,
        hf.Gemma3ForCausalLM,
        dict(
            GROUPED,
            num_hidden_layers=7,
            head_dim=32,
            query_pre_attn_scalar=32,
            sliding_window=24,
            rope_parameters={
                'full_attention': {'rope_type': 'linear', 'factor': 8.0, 'rope_theta': 1e6},
                'sliding_attention': {'rope_type': 'default', 'rope_theta': 1e4},
            },
        ),
        {},
    ),
    'gpt2': (hf.GPT2Config, hf.GPT2LMHeadModel, dict(vocab_size=VOCABULARY, n_embd=64, n_layer=3, n_head=4, n_positions=256, bos_token_id=0, eos_token_id=1), {}),
    'granite': (
        hf.GraniteConfig,
        hf.GraniteForCausalLM,
        dict(GROUPED, embedding_multiplier=3.0, logits_scaling=0.5, residual_multiplier=0.5, attention_multiplier=0.2),
        {},
    ),
    'olmo2': (hf.Olmo2Config, hf.Olmo2ForCausalLM, dict(GROUPED), {}),
    'smollm3': (hf.SmolLM3Config, hf.SmolLM3ForCausalLM, dict(GROUPED, num_hidden_layers=5, no_rope_layer_interval=4), {}),
    'llama-f16': (hf.LlamaConfig, hf.LlamaForCausalLM, dict(GROUPED), {'type': torch.float16}),
    'llama-bf16': (hf.LlamaConfig, hf.LlamaForCausalLM, dict(GROUPED), {'type': torch.bfloat16}),
    'bert-cls': (hf.BertConfig, hf.BertModel, dict(ENCODER), {'pooling': 'cls', 'ends': [2, 3]}),
    'bert-mean': (hf.BertConfig, hf.BertModel, dict(ENCODER), {'pooling': 'mean', 'ends': [2, 3]}),
    'xlm-roberta': (hf.XLMRobertaConfig, hf.XLMRobertaModel, dict(ENCODER, max_position_embeddings=130, pad_token_id=1, type_vocab_size=1), {'pooling': 'cls', 'ends': [0, 2]}),
}


class TableGelu(torch.nn.Module):
    """GELU as ggml computes it on the processor: looked up in a table by halves (ggml-cpu, GGML_GELU_FP16). All else of the graph is in floats."""

    def forward(self, values):
        rounded = torch.nn.functional.gelu(values.half().float(), approximate='tanh').half().float()
        return torch.where(values <= -10, torch.zeros_like(values), torch.where(values >= 10, values, rounded))


def with_table(model):
    for module in model.modules():
        for name in ('act', 'act_fn', 'intermediate_act_fn'):
            if name in vars(module) or name in module._modules:
                delattr(module, name)
                setattr(module, name, TableGelu())


TEXT = ['the model answers a question about memory', 'graphics cards and words, nothing else: 12345', "it's a test; don't worry\n\n  about  spaces"] * 20


def fill(model, seed, plus_one):
    """Weights of which none is what a forgotten one would be: norms away from one, biases away from zero."""
    generator = torch.Generator().manual_seed(seed)

    def random(parameter, scale):
        return torch.randn(parameter.shape, generator=generator) * scale

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 1 and ('norm' in name.lower() or '.ln_' in name) and name.endswith('weight'):
                parameter.copy_(random(parameter, 0.2) + (0 if plus_one else 1))
            elif parameter.ndim == 1:
                parameter.copy_(random(parameter, 0.2))
            elif 'embed' in name or '.wte.' in name or '.wpe.' in name or 'lm_head' in name:
                parameter.copy_(random(parameter, 0.3))
            else:
                parameter.copy_(random(parameter, 1.2 / math.sqrt(parameter.shape[-1])))


def pairs_tokenizer(cuts, joins_whole):
    tokenizer = Tokenizer(models.BPE(ignore_merges=joins_whole))
    tokenizer.pre_tokenizer = cuts
    tokenizer.decoder = decoders.ByteLevel()
    special = ['<|begin|>', '<|end|>']
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(TEXT, trainer)
    return tokenizer, {'tokenizer_class': 'PreTrainedTokenizerFast', 'bos_token': special[0], 'eos_token': special[1]}


def write_tokenizer(name, folder):
    if name.startswith('bert'):
        tokenizer = Tokenizer(models.WordPiece(unk_token='[UNK]'))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']
        tokenizer.train_from_iterator(TEXT, trainers.WordPieceTrainer(vocab_size=200, special_tokens=special))
        tokenizer.post_processor = processors.TemplateProcessing(single='[CLS] $A [SEP]', special_tokens=[('[CLS]', 2), ('[SEP]', 3)])
        settings = {'tokenizer_class': 'BertTokenizer', **{f'{key}_token': f'[{key.upper()}]' for key in ['pad', 'unk', 'cls', 'sep', 'mask']}}
    elif name.startswith('xlm'):
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        special = ['<s>', '<pad>', '</s>', '<unk>', '<mask>']
        tokenizer.train_from_iterator(TEXT, trainers.UnigramTrainer(vocab_size=120, special_tokens=special, unk_token='<unk>'))
        tokenizer.post_processor = processors.TemplateProcessing(single='<s> $A </s>', special_tokens=[('<s>', 0), ('</s>', 2)])
        settings = {'tokenizer_class': 'XLMRobertaTokenizer', 'bos_token': '<s>', 'eos_token': '</s>', 'cls_token': '<s>', 'sep_token': '</s>', 'pad_token': '<pad>', 'unk_token': '<unk>', 'mask_token': '<mask>'}
    elif name.startswith('gpt2'):
        tokenizer, settings = pairs_tokenizer(pre_tokenizers.ByteLevel(add_prefix_space=False), False)
    else:
        cut = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(CL100K), 'isolated'), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
        tokenizer, settings = pairs_tokenizer(cut, True)
    tokenizer.save(os.path.join(folder, 'tokenizer.json'))
    with open(os.path.join(folder, 'tokenizer_config.json'), 'w') as file:
        json.dump(settings, file)


def old_spelling(folder):
    """As transformers 4 wrote it."""
    path = os.path.join(folder, 'config.json')
    config = json.load(open(path))
    parameters = config.pop('rope_parameters')
    config['rope_theta'] = parameters.pop('rope_theta')
    kind = parameters.pop('rope_type')
    config['rope_scaling'] = None if kind == 'default' else {'type' if kind in ('linear', 'yarn') else 'rope_type': kind, **parameters}
    json.dump(config, open(path, 'w'))


def prompts(length, seed):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(5, 100, (length + 9 * index,), generator=generator) for index in range(3)]


def ask(model, given, steps):
    with torch.no_grad():
        answers = [torch.softmax(model(input_ids=each[None]).logits[0, -1].float(), -1) for each in given]
        tokens, gap = given[0], 1.0
        for _ in range(steps):
            best = torch.softmax(model(input_ids=tokens[None], use_cache=False).logits[0, -1].float(), -1).topk(2)
            gap = min(gap, float(best.values[0] - best.values[1]))
            tokens = torch.cat([tokens, best.indices[:1]])
    return answers, tokens[len(given[0]) :].tolist(), gap


def make(name, folder):
    configuration, kind, settings, more = CASES[name]
    config = configuration(**settings)
    config._attn_implementation = 'eager'
    model = kind(config).eval() if 'pooling' not in more else kind(config, add_pooling_layer=False).eval()
    if name.startswith(('gemma', 'gpt2')):
        with_table(model)
    given = prompts(more.get('prompt', 21), 7)
    if 'ends' in more:
        given = [torch.cat([torch.tensor(more['ends'][:1]), each, torch.tensor(more['ends'][1:])]) for each in given]
    os.makedirs(folder, exist_ok=True)
    reference = {'prompts': [each.tolist() for each in given], 'context': more.get('context', 256)}
    for seed in range(40):
        fill(model, seed, 'gemma' in name)
        model.tie_weights()
        if 'type' in more:
            # What is written is what is asked: the rounded weights, in floats.
            model = model.to(more['type']).float()
        if 'pooling' in more:
            with torch.no_grad():
                hidden = [model(input_ids=each[None]).last_hidden_state[0] for each in given]
            vectors = [each[0] if more['pooling'] == 'cls' else each.mean(0) for each in hidden]
            reference['vectors'] = [torch.nn.functional.normalize(each, dim=0).tolist() for each in vectors]
            break
        answers, reference['greedy'], gap = ask(model, given, 40)
        reference['probabilities'] = [each.tolist() for each in answers]
        if gap > 2e-3:
            break
    else:
        raise RuntimeError(f'{name}: no seed decides every token clearly')
    model.to(more.get('type', torch.float32)).save_pretrained(folder, max_shard_size='60KB' if more.get('shards') else '1GB')
    if more.get('old'):
        old_spelling(folder)
    if 'pooling' in more:
        os.makedirs(os.path.join(folder, '1_Pooling'), exist_ok=True)
        modules = [('', 'Transformer'), ('1_Pooling', 'Pooling'), ('2_Normalize', 'Normalize')]
        listed = [{'idx': index, 'name': str(index), 'path': path, 'type': f'sentence_transformers.models.{kind}'} for index, (path, kind) in enumerate(modules)]
        json.dump(listed, open(os.path.join(folder, 'modules.json'), 'w'))
        pooling = {'word_embedding_dimension': 64, 'pooling_mode_cls_token': more['pooling'] == 'cls', 'pooling_mode_mean_tokens': more['pooling'] == 'mean'}
        json.dump(pooling, open(os.path.join(folder, '1_Pooling', 'config.json'), 'w'))
    write_tokenizer(name, folder)
    return reference


for case in sys.argv[2:] or CASES:
    try:
        print(json.dumps({'name': case, **make(case, os.path.join(sys.argv[1], case))}), flush=True)
    except Exception as error:
        print(json.dumps({'name': case, 'error': f'{type(error).__name__}: {error}'}), flush=True)
