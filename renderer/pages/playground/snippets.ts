/**
 * A request as text to copy: for a POSIX shell, or as a whole program in Python or JavaScript. Uses
 * OpenAI's clients if they have a method for it, and each language's standard library otherwise.
 * Pure.
 */
import { shellQuoted } from '../../components/shell-quoted.ts';
import type { Body } from './request.ts';

/** What a request is, whatever it is written in. */
export type Shown =
  /** A body of `/predict` that is asked in words. */
  | { readonly kind: 'words'; readonly modelId: string; readonly path: string; readonly body: Body }
  | { readonly kind: 'embeddings' | 'json'; readonly path: string; readonly body: Body }
  /** A form with a file. */
  | { readonly kind: 'speech'; readonly path: string; readonly fields: Readonly<Record<string, string>> };

export const LANGUAGES = ['curl', 'Python', 'JavaScript'] as const;
export type Language = (typeof LANGUAGES)[number];

/** Of the file that a person puts in place of it. */
const SOUND = 'sound.wav';
const OPENAI = { Python: '# pip install openai', JavaScript: '// npm install openai' } as const;

/** @param address of the engine: `http://127.0.0.1:8000`. */
export function snippet(language: Language, address: string, shown: Shown): string {
  if (language === 'curl') return curlCommand(address, shown);
  return language === 'Python' ? python(address, shown) : javaScript(address, shown);
}

export function curlCommand(address: string, shown: Shown): string {
  const url = shellQuoted(`${address}${shown.path}`);
  const lines =
    shown.kind === 'speech'
      ? [
          `curl ${url}`,
          ...Object.entries(shown.fields).map(([name, value]) => `-F ${shellQuoted(`${name}=${value}`)}`),
          `-F 'file=@${SOUND}'`,
        ]
      : // Without -N, curl keeps a stream's words until it has a bufferful.
        [
          `curl${shown.body['stream'] === true ? ' -N' : ''} ${url}`,
          `-H ${shellQuoted('content-type: application/json')}`,
          ...bodyArgument(JSON.stringify(shown.body, null, 2)),
        ];
  return lines.join(' \\\n  ');
}

/** Linux takes at most 128 KiB in one argument; an image is longer. */
const LONGEST_ARGUMENT = 100_000;

function bodyArgument(json: string): readonly string[] {
  return json.length <= LONGEST_ARGUMENT ? [`-d ${shellQuoted(json)}`] : [`--data-binary @- <<'JSON'\n${json}\nJSON`];
}

/**
 * The body of `/predict` as OpenAI's routes take it: without a limit chats end by themselves, and
 * completions have to be told so. What the clients have no parameter for is `extra`.
 */
function openAiBody({ modelId, body }: Extract<Shown, { kind: 'words' }>): {
  readonly isChat: boolean;
  readonly own: Body;
  /** Null: there is nothing of the kind. */
  readonly extra: Body | null;
} {
  const { max_tokens: limit, messages, ...rest } = body;
  const isChat = Array.isArray(messages);
  const goesOn = isChat && (messages.at(-1) as { role?: unknown } | undefined)?.role === 'assistant';
  const isOpen = limit === undefined || limit === -1;
  const open = isChat ? undefined : null;
  return {
    isChat,
    own: { model: modelId, messages, ...rest, max_tokens: isOpen ? open : limit },
    extra: goesOn ? { continue_final_message: true, add_generation_prompt: false } : isOpen && !isChat ? { n_predict: -1 } : null,
  };
}

function python(address: string, shown: Shown): string {
  const client = `${OPENAI.Python}\nfrom openai import OpenAI\n\nclient = OpenAI(base_url=${pythonValue(`${address}/v1`)}, api_key="not-needed")\n`;
  switch (shown.kind) {
    case 'words': {
      const { isChat, own, extra } = openAiBody(shown);
      const call = `client.${isChat ? 'chat.completions' : 'completions'}.create(\n${pythonArguments({ ...own, extra_body: extra ?? undefined })})\n`;
      const piece = isChat ? 'chunk.choices[0].delta.content or ""' : 'chunk.choices[0].text';
      return `${client}answer = ${call}for chunk in answer:\n    if chunk.choices:\n        print(${piece}, end="", flush=True)\nprint()\n`;
    }
    case 'embeddings':
      return `${client}answer = client.embeddings.create(\n${pythonArguments(shown.body)})\nfor item in answer.data:\n    print(len(item.embedding), item.embedding[:4])\n`;
    case 'speech':
      return `${client}with open("${SOUND}", "rb") as sound:\n    answer = client.audio.transcriptions.create(file=sound, ${Object.entries(
        shown.fields,
      )
        .map(([name, value]) => `${name}=${pythonValue(value)}`)
        .join(', ')})\nprint(answer.text)\n`;
    case 'json':
      return `import json\nimport urllib.request\n\nbody = ${pythonValue(shown.body)}\nrequest = urllib.request.Request(\n    ${pythonValue(`${address}${shown.path}`)},\n    data=json.dumps(body).encode(),\n    headers={"content-type": "application/json"},\n)\nwith urllib.request.urlopen(request) as response:\n    print(json.dumps(json.load(response), indent=2))\n`;
  }
}

function pythonArguments(values: Body): string {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `    ${name}=${pythonValue(value, '    ')},\n`)
    .join('');
}

/** A literal of JSON is one of Python but for its three words. */
function pythonValue(value: unknown, indent = ''): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value !== 'object') return JSON.stringify(value);
  const inner = `${indent}    `;
  const parts = Array.isArray(value)
    ? value.map((item) => pythonValue(item, inner))
    : Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${pythonValue(item, inner)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  const line = `${open}${parts.join(', ')}${close}`;
  return line.length <= 60 && !line.includes('\n')
    ? line
    : `${open}\n${parts.map((part) => `${inner}${part},\n`).join('')}${indent}${close}`;
}

function javaScript(address: string, shown: Shown): string {
  const client = `${OPENAI.JavaScript}\nimport OpenAI from 'openai';\n\nconst client = new OpenAI({ baseURL: ${JSON.stringify(`${address}/v1`)}, apiKey: 'not-needed' });\n`;
  switch (shown.kind) {
    case 'words': {
      const { isChat, own, extra } = openAiBody(shown);
      const call = `await client.${isChat ? 'chat.completions' : 'completions'}.create(${JSON.stringify({ ...own, ...extra }, null, 2)});\n`;
      const piece = isChat ? "chunk.choices[0]?.delta.content ?? ''" : "chunk.choices[0]?.text ?? ''";
      return `${client}const answer = ${call}for await (const chunk of answer) process.stdout.write(${piece});\nconsole.log();\n`;
    }
    case 'embeddings':
      return `${client}const answer = await client.embeddings.create(${JSON.stringify({ ...shown.body, encoding_format: 'float' }, null, 2)});\nfor (const { embedding } of answer.data) console.log(embedding.length, embedding.slice(0, 4));\n`;
    case 'speech': {
      const fields = Object.entries(shown.fields).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
      return client
        .replace('\n\n', `\nimport { createReadStream } from 'node:fs';\n\n`)
        .concat(
          `const file = createReadStream('${SOUND}');\nconst answer = await client.audio.transcriptions.create({ file, ${fields.join(', ')} });\nconsole.log(answer.text);\n`,
        );
    }
    case 'json':
      return `const response = await fetch(${JSON.stringify(`${address}${shown.path}`)}, {\n  method: 'POST',\n  headers: { 'content-type': 'application/json' },\n  body: JSON.stringify(${JSON.stringify(shown.body, null, 2).replaceAll('\n', '\n  ')}),\n});\nconsole.log(JSON.stringify(await response.json(), null, 2));\n`;
  }
}
