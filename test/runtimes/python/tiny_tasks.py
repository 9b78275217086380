"""Makes a small untrained folder for each task other than chat, and asks transformers' own pipeline what it answers: the reference for Ray Serve.

    tiny_tasks.py FOLDER

One JSON object a line: {"name": folder's name, ...what was asked and answered}.
"""
import base64
import io
import json
import os
import struct
import sys
import wave

import numpy
import torch
import transformers as hf
from PIL import Image
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

ROOT = sys.argv[1]
TEXTS = ['the cat sits on the mat', 'stock prices fell sharply today']
LABELS = ['animals', 'money', 'weather']
BERT = dict(vocab_size=200, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, max_position_embeddings=64)
SPECIAL = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']


def folder(name):
    return os.path.join(ROOT, name)


def words(name):
    tokenizer = Tokenizer(models.WordPiece(unk_token='[UNK]'))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    given = [*TEXTS, *LABELS, 'This example is .', 'does it entail ? yes and no'] * 4
    tokenizer.train_from_iterator(given, trainers.WordPieceTrainer(vocab_size=200, special_tokens=SPECIAL, show_progress=False))
    ends = dict(single='[CLS] $A [SEP]', pair='[CLS] $A [SEP] $B:1 [SEP]:1', special_tokens=[('[CLS]', 2), ('[SEP]', 3)])
    tokenizer.post_processor = processors.TemplateProcessing(**ends)
    named = {f'{key}_token': f'[{key.upper()}]' for key in ['pad', 'unk', 'cls', 'sep', 'mask']}
    fast = hf.PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **named)
    fast.save_pretrained(folder(name))
    return fast


def spread(model, scale=8.0):
    """Untrained heads answer much the same to everything: larger weights tell inputs apart."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(scale)
    return model.eval()


def of_texts(name, labels, **more):
    words(name)
    ids = {index: label for index, label in enumerate(labels)}
    config = hf.BertConfig(**BERT, id2label=ids, label2id={label: index for index, label in ids.items()}, **more)
    spread(hf.BertForSequenceClassification(config), 12.0).save_pretrained(folder(name))


def best(scores):
    top = max(scores, key=lambda one: one['score'])
    return {'label': top['label'], 'scores': {one['label']: one['score'] for one in scores}}


def classes():
    of_texts('classes', ['joy', 'anger', 'fear'])
    pipe = hf.pipeline('text-classification', model=folder('classes'))
    return {'input': TEXTS, 'expected': [best(pipe(text, top_k=None)) for text in TEXTS]}


def zero_shot():
    of_texts('zero-shot', ['contradiction', 'neutral', 'entailment'])
    pipe = hf.pipeline('zero-shot-classification', model=folder('zero-shot'))
    found = [pipe(text, LABELS) for text in TEXTS]
    told = [best([{'label': label, 'score': score} for label, score in zip(one['labels'], one['scores'])]) for one in found]
    return {'input': TEXTS, 'labels': LABELS, 'expected': told}


def ranks():
    of_texts('ranks', ['relevance'])
    pipe = hf.pipeline('text-classification', model=folder('ranks'))
    return {'query': 'cat', 'documents': TEXTS, 'expected': [pipe({'text': 'cat', 'text_pair': text})['score'] for text in TEXTS]}


def sentences():
    """CLS pooling, and no normalization: neither is what is taken without being asked."""
    tokenizer = words('sentences')
    model = spread(hf.BertModel(hf.BertConfig(**BERT), add_pooling_layer=False), 2.0)
    model.save_pretrained(folder('sentences'))
    os.makedirs(os.path.join(folder('sentences'), '1_Pooling'))
    kinds = [('', 'Transformer'), ('1_Pooling', 'Pooling')]
    listed = [{'idx': at, 'name': str(at), 'path': path, 'type': f'sentence_transformers.models.{kind}'} for at, (path, kind) in enumerate(kinds)]
    json.dump(listed, open(os.path.join(folder('sentences'), 'modules.json'), 'w'))
    pooling = {'word_embedding_dimension': 32, 'pooling_mode_cls_token': True, 'pooling_mode_mean_tokens': False}
    json.dump(pooling, open(os.path.join(folder('sentences'), '1_Pooling', 'config.json'), 'w'))
    # Whole sequences come back in lists of lists: the first row is that of [CLS].
    pipe = hf.pipeline('feature-extraction', model=model, tokenizer=tokenizer)
    return {'input': TEXTS, 'expected': [pipe(text)[0][0] for text in TEXTS]}


def picture(seed):
    noise = numpy.random.default_rng(seed).integers(0, 255, (6, 6, 3), dtype='uint8')
    data = io.BytesIO()
    Image.fromarray(noise).resize((40, 30)).save(data, 'png')
    return 'data:image/png;base64,' + base64.b64encode(data.getvalue()).decode()


def opened(address):
    return Image.open(io.BytesIO(base64.b64decode(address.split(',')[1]))).convert('RGB')


def images():
    seen = ['cat', 'dog', 'house']
    config = hf.ViTConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, image_size=32, patch_size=8,
        id2label=dict(enumerate(seen)), label2id={label: index for index, label in enumerate(seen)},
    )
    spread(hf.ViTForImageClassification(config)).save_pretrained(folder('images'))
    size = {'height': 32, 'width': 32}
    json.dump(
        dict(image_processor_type='ViTImageProcessor', do_resize=True, size=size, do_rescale=True, rescale_factor=1 / 255, do_normalize=True,
             image_mean=[0.5] * 3, image_std=[0.5] * 3, resample=2),
        open(os.path.join(folder('images'), 'preprocessor_config.json'), 'w'),
    )
    pipe = hf.pipeline('image-classification', model=folder('images'))
    given = [picture(1), picture(2)]
    return {'input': given, 'expected': [best(pipe(opened(each), top_k=3)) for each in given]}


def named_images():
    name = 'named-images'
    tokenizer = words(name)
    text = dict(vocab_size=200, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, max_position_embeddings=64,
                eos_token_id=3, bos_token_id=2, pad_token_id=0)
    sight = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, image_size=32, patch_size=8)
    spread(hf.CLIPModel(hf.CLIPConfig(text_config=text, vision_config=sight, projection_dim=32))).save_pretrained(folder(name))
    json.dump(
        dict(image_processor_type='CLIPImageProcessor', do_resize=True, size={'shortest_edge': 32}, do_center_crop=True,
             crop_size={'height': 32, 'width': 32}, do_rescale=True, rescale_factor=1 / 255, do_normalize=True, do_convert_rgb=True,
             image_mean=[0.5] * 3, image_std=[0.5] * 3, resample=3),
        open(os.path.join(folder(name), 'preprocessor_config.json'), 'w'),
    )
    pipe = hf.pipeline('zero-shot-image-classification', model=folder(name))
    given = [picture(3)]
    return {'input': given, 'labels': LABELS, 'expected': [best(pipe(opened(each), candidate_labels=LABELS)) for each in given]}


def sound():
    at = numpy.arange(16000) / 16000
    samples = 0.4 * numpy.sin(2 * numpy.pi * 440 * at) + 0.2 * numpy.sin(2 * numpy.pi * 1320 * at * at)
    whole = (samples * 32767).astype('<i2')
    data = io.BytesIO()
    with wave.open(data, 'wb') as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(whole.tobytes())
    return base64.b64encode(data.getvalue()).decode(), whole.astype('float32') / 32768


def speech():
    letters = ['<pad>', '<s>', '</s>', '<unk>', '|', *'abcdefghijklmnopqrstuvwxyz']
    vocabulary = os.path.join(folder('speech'), 'vocab.json')
    json.dump({letter: index for index, letter in enumerate(letters)}, open(vocabulary, 'w'))
    tokenizer = hf.Wav2Vec2CTCTokenizer(vocabulary, pad_token='<pad>', word_delimiter_token='|')
    hf.Wav2Vec2Processor(hf.Wav2Vec2FeatureExtractor(return_attention_mask=False), tokenizer).save_pretrained(folder('speech'))
    config = hf.Wav2Vec2Config(
        vocab_size=len(letters), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, conv_dim=[32] * 3,
        conv_kernel=[10, 8, 8], conv_stride=[8, 8, 8], num_feat_extract_layers=3, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4,
        pad_token_id=0,
    )
    spread(hf.Wav2Vec2ForCTC(config)).save_pretrained(folder('speech'))
    data, samples = sound()
    pipe = hf.pipeline('automatic-speech-recognition', model=folder('speech'))
    return {'wav': data, 'expected': pipe({'raw': samples, 'sampling_rate': 16000})['text'].strip()}


MAKERS = {'classes': classes, 'zero-shot': zero_shot, 'ranks': ranks, 'sentences': sentences, 'images': images, 'named-images': named_images, 'speech': speech}
for name, make in MAKERS.items():
    torch.manual_seed(11)
    os.makedirs(folder(name), exist_ok=True)
    try:
        print(json.dumps({'name': name, **make()}), flush=True)
    except Exception as error:
        print(json.dumps({'name': name, 'error': f'{type(error).__name__}: {error}'}), flush=True)
