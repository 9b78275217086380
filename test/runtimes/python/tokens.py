"""
Trains a small tokenizer of each family that Modelium converts, as its makers do (the tokenizers library, SentencePiece itself), and says what it
makes of more than 500 texts.

    python tokens.py FOLDER      a folder for each family, with its files in it; a line of JSON for each
"""
import json
import os
import random
import shutil
import sys
import unicodedata

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers.convert_slow_tokenizer import SentencePieceExtractor, XLMRobertaConverter

WORDS = """the of and to in is that it was for on are as with his they at be this from have or by one had not but what all were when we there can an your
which their said if do will each about how up out them then she many some so these would other into has more her two like him see time could no make
than first been its who now people my made over did down only way find use may water long little very after words called just where most know
Grüße über Straße Müller größer français garçon élève où déjà niño corazón señor mañana português coração não é também ação
привет мир россия москва язык модель память быстро Ελλάδα γλώσσα μνήμη καλημέρα שלום עולם זיכרון مرحبا العالم ذاكرة नमस्ते दुनिया भाषा
สวัสดี ชาวโลก ภาษา こんにちは 世界 東京 モデル メモリ 안녕하세요 세계 언어 모델 你好 世界 模型 内存 语言 北京 Việt Nam tiếng người được
İstanbul güneş çocuk Kraków źdźbło česky příliš žluťoučký kůň""".split()
SNIPPETS = [
    'def f(x):\n    return x ** 2\n', 'for (let i = 0; i < 10; i++) {\n\tconsole.log(i);\n}', '{"key": [1, 2.5, null]}', 'SELECT * FROM t WHERE a >= 3;',
    '<div class="box">&amp;</div>', 'https://example.org/a?b=c#d', 'x = a[0]->b::c<d>();', '#!/bin/sh\nset -e\n', "it's we're I'll don't you'VE he'D 'tis",
    '1 12 123 1234 12345 1,234.56 0xFF 3.14e-10 ½ ² ٣٤ 一二三', '$5.00 €10 £3 ¥100 50%', 'a+b=c; d/e*f^g~h|i&j', '...!!!???---===***', '“quoted” ‘single’ «guillemets» — dash – …',
    '😀 😁 👍🏽 👩‍👩‍👧 🇩🇪 🏳️‍🌈 ❤️ ☕', 'e\u0301 n\u0303 a\u0308 ô', '\u200b\u200d\ufeff zero width', 'mixedCase snake_case kebab-case SCREAMING_CASE CamelCaseWords', 'İıŞş ẞß ǅǆ ﬁﬂ ＡＢＣ ｱｲｳ',
]
SPACES = ['', ' ', '  ', '   ', '\n', '\n\n', '\n\n\n', '\r\n', '\t', '\t\t', ' \n', '\n ', ' \n \n  ', '    \t  ', '\u00a0', '\u3000', ' \u2003 ']


def corpus():
    random.seed(3)
    lines = [' '.join(random.choices(WORDS, k=random.randint(3, 12))) for _ in range(3000)]
    return lines + SNIPPETS * 40 + [str(random.randint(0, 10**random.randint(1, 7))) for _ in range(800)]


def texts(special):
    """@param special tokens that stand in the middle of some of them."""
    random.seed(5)
    made = list(SNIPPETS) + list(SPACES) + [space + 'word' + space for space in SPACES] + ['a' + space + 'b' for space in SPACES]
    made += [word * 12 for word in WORDS[:20]] + ['x' * 90, 'ab' * 40, '1' * 40, '中' * 30, ' ' * 40 + 'x', '=' * 50, '\n' * 20]
    while len(made) < 620:
        parts = random.choices(WORDS + SNIPPETS, k=random.randint(1, 6))
        made.append(''.join(part + random.choice(SPACES[:12] + [' '] * 12 + ['.', ', ', '!', ': ']) for part in parts))
    made += [chr(code) for code in range(33, 127)] + [f'{random.choice(WORDS)}{token}{random.choice(WORDS)} {token}' for token in special for _ in range(6)]
    return made


CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
END = r'|\s*[\r\n]+|\s+(?!\S)|\s+'
UPPER, LOWER = r'[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]', r'[\p{Ll}\p{Lm}\p{Lo}\p{M}]'


def cased(suffix):
    return rf'[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{suffix}|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{suffix}'


CUTS = {
    'cl100k': rf'{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*{END}',
    'qwen2': rf'{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*{END}',
    'qwen35': rf'{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?[\p{{L}}\p{{M}}]+|\p{{N}}| ?[^\s\p{{L}}\p{{M}}\p{{N}}]+[\r\n]*{END}',
    'tekken': cased('') + r'|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*' + END,
    'gpt4o': cased(CONTRACTIONS + '?') + r'|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*' + END,
}
# One cut after the other.
STEPS = {'deepseek-coder': ['[\r\n]', r'\s?\p{L}+', r'\s?\p{P}+', '[一-龥ࠀ-一가-퟿]+']}
SPECIAL = ['<|begin|>', '<|end|>', '<|user|>']


def pairs(cut, joins_whole=False, normalizer=None, digits=False):
    tokenizer = Tokenizer(models.BPE(ignore_merges=joins_whole))
    if cut is None:
        steps = [pre_tokenizers.ByteLevel(add_prefix_space=False)]
    elif cut == 'falcon':
        steps = [pre_tokenizers.Punctuation('contiguous'), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        steps += [pre_tokenizers.Digits(individual_digits=False), pre_tokenizers.Split(Regex('[0-9][0-9][0-9]'), 'isolated')]
    elif cut in STEPS:
        steps = [pre_tokenizers.Split(Regex(each), 'isolated') for each in STEPS[cut]]
        steps += [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    else:
        steps = [pre_tokenizers.Split(Regex(CUTS[cut]), 'isolated'), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    steps = ([pre_tokenizers.Digits(individual_digits=True)] if digits else []) + steps
    tokenizer.pre_tokenizer = steps[0] if len(steps) == 1 else pre_tokenizers.Sequence(steps)
    tokenizer.decoder = decoders.ByteLevel()
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    trainer = trainers.BpeTrainer(vocab_size=3000, special_tokens=SPECIAL[:2], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(corpus(), trainer)
    tokenizer.add_special_tokens([AddedToken(SPECIAL[2], normalized=False)])
    tokenizer.add_tokens([AddedToken('<tool>', normalized=False)])
    return tokenizer, {'bos_token': SPECIAL[0], 'eos_token': SPECIAL[1]}, SPECIAL + ['<tool>']


def words(lowers):
    tokenizer = Tokenizer(models.WordPiece(unk_token='[UNK]'))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowers, strip_accents=None)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']
    tokenizer.train_from_iterator(corpus(), trainers.WordPieceTrainer(vocab_size=2500, special_tokens=special, show_progress=False))
    tokenizer.post_processor = processors.BertProcessing(('[SEP]', 3), ('[CLS]', 2))
    settings = {f'{key}_token': f'[{key.upper()}]' for key in ['pad', 'unk', 'cls', 'sep', 'mask']}
    return tokenizer, {**settings, 'do_lower_case': lowers}, ['[MASK]']


def piece_model(folder, **more):
    path = os.path.join(folder, 'corpus.txt')
    with open(path, 'w') as file:
        file.write('\n'.join(line.replace('\n', ' ') for line in corpus()))
    sentencepiece.SentencePieceTrainer.train(
        input=path, model_prefix=os.path.join(folder, 'trained'), minloglevel=2, num_threads=2, character_coverage=0.9995, **more
    )
    os.remove(path)
    os.remove(os.path.join(folder, 'trained.vocab'))
    return os.path.join(folder, 'trained.model')


def llama_pieces(folder, prefix):
    """As Llama 2 and Mistral (a space in front) or Gemma (none) have it: pairs with bytes to fall back to; as tokenizer.model and as tokenizer.json."""
    return piece_model(
        folder, model_type='bpe', vocab_size=1800, byte_fallback=True, split_digits=True, normalization_rule_name='identity', remove_extra_whitespaces=False,
        add_dummy_prefix=prefix, allow_whitespace_only_pieces=True, user_defined_symbols=['<tool>'],
    )


def json_of_pieces(model, prefix, first=False, runs=None, strips=False):
    """
    @param first a space at the very beginning alone, as Mistral's later files have it
    @param strips  tokens take the white space behind them, all but three, as Phi-3's
    @param runs  whether runs of marks, added as tokens, are looked for in the normalized text (True), in the text as it came (False), or not at all
    """
    vocabulary = SentencePieceExtractor(model).extract(models.BPE)
    tokenizer = Tokenizer(models.BPE(vocabulary['vocab'], vocabulary['merges'], unk_token='<unk>', fuse_unk=True, byte_fallback=True))
    if first:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme='first', split=False)
    else:
        tokenizer.normalizer = normalizers.Sequence(([normalizers.Prepend('▁')] if prefix else []) + [normalizers.Replace(' ', '▁')])
    if runs is not None:
        tokenizer.add_tokens([AddedToken('▁' * count, normalized=runs) for count in range(2, 9)])
    special = ['<unk>', '<s>', '<|endoftext|>', '</s>', '<|user|>', '<|end|>'] if strips else ['<s>', '</s>']
    for token in special:
        tokenizer.add_special_tokens([AddedToken(token, normalized=False, rstrip=strips and token not in special[:3])])
    tokenizer.add_tokens([AddedToken('<tool>', normalized=False, rstrip=strips)])
    return tokenizer


def write(folder, tokenizer, settings, wants_json=True):
    if wants_json:
        tokenizer.save(os.path.join(folder, 'tokenizer.json'))
    with open(os.path.join(folder, 'tokenizer_config.json'), 'w') as file:
        json.dump(settings, file)


def said(name, all_texts, ids, size, **more):
    print(json.dumps({'name': name, 'texts': all_texts, 'ids': ids, 'size': size, **more}), flush=True)


def main(root):
    families = {
        'gpt2': lambda: pairs(None),
        'llama3': lambda: pairs('cl100k', joins_whole=True),
        'olmo2': lambda: pairs('cl100k'),
        'qwen2': lambda: pairs('qwen2', normalizer=normalizers.NFC()),
        'qwen35': lambda: pairs('qwen35', normalizer=normalizers.NFC()),
        'smollm': lambda: pairs(None, digits=True),
        'deepseek-coder': lambda: pairs('deepseek-coder'),
        'falcon': lambda: pairs('falcon'),
        'tekken': lambda: pairs('tekken', joins_whole=True),
        'gpt4o': lambda: pairs('gpt4o'),
        'bert-uncased': lambda: words(True),
        'bert-cased': lambda: words(False),
    }
    for name, train in families.items():
        folder = os.path.join(root, name)
        os.makedirs(folder)
        tokenizer, settings, special = train()
        write(folder, tokenizer, settings)
        # What comes decomposed is left to the library's NFC, which llama.cpp leaves out.
        asked = [unicodedata.normalize('NFC', text) for text in texts(special)] if name.startswith('qwen') else texts(special)
        said(name, asked, [tokenizer.encode(text, add_special_tokens=False).ids for text in asked], tokenizer.get_vocab_size())
    for name, prefix in [('llama2', True), ('gemma', False)]:
        folder = os.path.join(root, name)
        os.makedirs(folder)
        model = llama_pieces(folder, prefix)
        processor = sentencepiece.SentencePieceProcessor(model_file=model)
        asked = texts(['<tool>'] if not prefix else [])
        ids = [processor.encode(text) for text in asked]
        settings = {'bos_token': '<s>', 'eos_token': '</s>', 'unk_token': '<unk>', 'add_bos_token': True}
        tokenizer = json_of_pieces(model, prefix)
        os.makedirs(folder + '-json')
        write(folder + '-json', tokenizer, settings)
        said(name + '-json', asked, [tokenizer.encode(text, add_special_tokens=False).ids for text in asked], tokenizer.get_vocab_size())
        for other, more in [('mistral', {'first': True}), ('phi3', {'strips': True})] if prefix else [('gemma-runs', {'runs': True}), ('gemma-raw-runs', {'runs': False})]:
            os.makedirs(os.path.join(root, other))
            tokenizer = json_of_pieces(model, prefix, **more)
            write(os.path.join(root, other), tokenizer, settings)
            special = {'mistral': ['<tool>', '</s>'], 'phi3': ['<|user|>\n', '<|end|> \n ', '<s>\n', '<tool>']}.get(other, ['<tool>'])
            all_texts = texts(special) + special + [token + 'word ' + token for token in special] + [' ' * count + 'x' + ' ' * count for count in range(1, 40)]
            said(other, all_texts, [tokenizer.encode(text, add_special_tokens=False).ids for text in all_texts], tokenizer.get_vocab_size())
        write(folder, tokenizer, settings, wants_json=False)
        shutil.move(model, os.path.join(folder, 'tokenizer.model'))
        said(name, asked, ids, processor.get_piece_size())
    unigram(root)


def unigram(root):
    folder = os.path.join(root, 'xlm-roberta')
    os.makedirs(folder)
    model = piece_model(folder, model_type='unigram', vocab_size=1200, hard_vocab_limit=False, normalization_rule_name='nmt_nfkc')
    settings = {'bos_token': '<s>', 'eos_token': '</s>', 'unk_token': '<unk>', 'pad_token': '<pad>', 'cls_token': '<s>', 'sep_token': '</s>', 'mask_token': '<mask>'}

    class Slow:
        vocab_file = model
        add_prefix_space = True
        legacy = True

        @staticmethod
        def convert_tokens_to_ids(token):
            return {'<s>': 0, '</s>': 2}[token]

    tokenizer = XLMRobertaConverter(Slow()).converted()
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in ['<s>', '<pad>', '</s>', '<unk>']])
    tokenizer.add_special_tokens([AddedToken('<mask>', lstrip=True, normalized=False)])
    os.makedirs(folder + '-json')
    write(folder + '-json', tokenizer, settings)
    asked = texts([])
    said('xlm-roberta-json', asked, [tokenizer.encode(text, add_special_tokens=False).ids for text in asked], tokenizer.get_vocab_size())
    processor = sentencepiece.SentencePieceProcessor(model_file=model)
    write(folder, tokenizer, settings, wants_json=False)
    shutil.move(model, os.path.join(folder, 'sentencepiece.bpe.model'))
    # Ids as the class counts them: its own four in front, unknown among them.
    ids = [[3 if piece == 0 else piece + 1 for piece in processor.encode(text)] for text in asked]
    said('xlm-roberta', asked, ids, processor.get_piece_size() + 2)


main(sys.argv[1])
