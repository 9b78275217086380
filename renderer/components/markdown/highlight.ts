/**
 * Splits code into pieces of one colour each. The only user of highlight.js, with the languages
 * below; draws nothing.
 */
import hljs from 'highlight.js/lib/core';
import bash from 'highlight.js/lib/languages/bash';
import c from 'highlight.js/lib/languages/c';
import cpp from 'highlight.js/lib/languages/cpp';
import css from 'highlight.js/lib/languages/css';
import go from 'highlight.js/lib/languages/go';
import java from 'highlight.js/lib/languages/java';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import python from 'highlight.js/lib/languages/python';
import rust from 'highlight.js/lib/languages/rust';
import sql from 'highlight.js/lib/languages/sql';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';

const LANGUAGES = { bash, c, cpp, css, go, java, javascript, json, python, rust, sql, typescript, xml, yaml };
for (const [name, language] of Object.entries(LANGUAGES)) hljs.registerLanguage(name, language);

export interface Piece {
  readonly text: string;
  /** What it is: `keyword`, `string`, `comment` ...; null: nothing in particular. */
  readonly scope: string | null;
}

/** Its tags and the five characters that it escapes are all that its HTML has. */
const TAGS = /<span class="(?:hljs-([a-z_-]+)[^"]*|[^"]*)">|<\/span>/;
const ESCAPED: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#x27;': "'" };

/**
 * Null for a language that is not known. The pieces together are the code, character by character.
 */
export function highlighted(code: string, language: string): readonly Piece[] | null {
  if (hljs.getLanguage(language) === undefined) return null;
  const html = hljs.highlight(code, { language, ignoreIllegals: true }).value;
  const pieces: Piece[] = [];
  const scopes: (string | null)[] = [];
  let rest = html;
  for (let tag = TAGS.exec(rest); ; tag = TAGS.exec(rest)) {
    const text = rest.slice(0, tag?.index).replaceAll(/&(?:amp|lt|gt|quot|#x27);/g, (entity) => ESCAPED[entity] ?? entity);
    if (text !== '') pieces.push({ text, scope: scopes.at(-1) ?? null });
    if (tag === null) break;
    if (tag[0] === '</span>') scopes.pop();
    // A language within another one has no colour of its own.
    else scopes.push(tag[1] ?? null);
    rest = rest.slice(tag.index + tag[0].length);
  }
  // Colours are worth no wrong character.
  return pieces.map(({ text }) => text).join('') === code ? pieces : null;
}
