/**
 * Patterns for the `format` keyword of JSON schemas; where the standard is open, a pattern allows
 * only what all parsers accept. Pure.
 */
const YEAR_MONTH_DAY =
  '[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))';
const CLOCK = '(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,6})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])';
const BYTE = '(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const IPV4 = `${BYTE}(?:\\.${BYTE}){3}`;
const WORD = '[0-9a-fA-F]{1,4}';
/** Whole, or with one gap: `::` stands for at least one word. */
const IPV6 = [
  `(?:${WORD}:){7}${WORD}`,
  ...Array.from({ length: 7 }, (_, front) => {
    const before = front === 0 ? '' : `${WORD}(?::${WORD}){${front - 1}}`;
    const most = 6 - front;
    return `${before}::${most === 0 ? '' : `(?:${WORD}(?::${WORD}){0,${most - 1}})?`}`;
  }),
].join('|');
const HOST = '(?:[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*\\.)+[A-Za-z]{2,}';
const SPAN = 'T(?:[0-9]{1,4}H(?:[0-9]{1,4}M)?(?:[0-9]{1,4}S)?|[0-9]{1,4}M(?:[0-9]{1,4}S)?|[0-9]{1,4}S)';
const DAYS = '(?:[0-9]{1,4}Y(?:[0-9]{1,4}M)?(?:[0-9]{1,4}D)?|[0-9]{1,4}M(?:[0-9]{1,4}D)?|[0-9]{1,4}D)';
const HEX4 = '[0-9a-fA-F]{4}';
const URI_CHARACTER = "[A-Za-z0-9._~!$&'()*+,;=:@-]";

function uuid(versions: string): string {
  return `^[0-9a-fA-F]{8}-${HEX4}-[${versions}][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$`;
}

const URI = `^https?://${HOST}(?::[1-9][0-9]{0,3})?(?:/(?:${URI_CHARACTER}|/)*)?(?:\\?${URI_CHARACTER}*)?(?:#${URI_CHARACTER}*)?$`;
const EMAIL = `^[A-Za-z0-9_+-]+(?:\\.[A-Za-z0-9_+-]+)*@${HOST}$`;
const HOSTNAME = '^[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*(?:\\.[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*)*$';

export const FORMATS: Readonly<Record<string, string>> = {
  date: `^(?:${YEAR_MONTH_DAY})$`,
  time: `^${CLOCK}$`,
  'date-time': `^(?:${YEAR_MONTH_DAY})T${CLOCK}$`,
  duration: `^P(?:${DAYS}(?:${SPAN})?|${SPAN}|[0-9]{1,4}W)$`,
  uuid: uuid('1-8'),
  guid: uuid('1-8'),
  uuid1: uuid('1'),
  uuid3: uuid('3'),
  uuid4: uuid('4'),
  uuid5: uuid('5'),
  uuid7: uuid('7'),
  base64: '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$',
  ipv4: `^${IPV4}$`,
  ipv6: `^(?:${IPV6})$`,
  hostname: HOSTNAME,
  'idn-hostname': HOSTNAME,
  email: EMAIL,
  'idn-email': EMAIL,
  uri: URI,
  url: URI,
  iri: URI,
  'uri-reference': URI,
  'iri-reference': URI,
};
/**
 * Most characters of a text, where the pattern bounds none: then no part of a name is longer than a
 * label may be.
 */
export const FORMAT_LENGTHS: Readonly<Record<string, number>> = { hostname: 63, 'idn-hostname': 63 };
/** Words for a program's types or for people, which bound no text. */
export const MEANINGLESS_FORMATS: ReadonlySet<string> = new Set(
  'password path file-path directory-path binary byte json json-string int32 int64 uint32 uint64 float double decimal string text markdown html multi-line textarea'.split(
    ' ',
  ),
);
