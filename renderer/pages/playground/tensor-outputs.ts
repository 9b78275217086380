/**
 * Interprets output tensors for users: detections, images, the largest of many values, a table.
 * Pure; bounded, because a tensor may have millions of values.
 */

export type Value = number | string | boolean | null;

export interface Detection {
  readonly label: string;
  readonly score: number | null;
  /** As the model has it: mostly left, top, right, bottom. */
  readonly box: readonly number[];
}

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue and alpha of each pixel, row by row. */
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
}

export type View =
  | { readonly kind: 'image'; readonly picture: Picture }
  /** `values` with their places, the largest first where `isCut`. */
  | { readonly kind: 'list'; readonly values: readonly (readonly [place: number, value: Value])[]; readonly isCut: boolean }
  | { readonly kind: 'rows'; readonly rows: readonly (readonly Value[])[]; readonly columns: number };

export interface Output {
  readonly name: string;
  readonly shape: readonly number[];
  readonly view: View;
}

export interface Outputs {
  readonly detections: readonly Detection[] | null;
  readonly outputs: readonly Output[];
}

const LISTED = 16;
const ROWS = 20;
const COLUMNS = 8;
const DETECTIONS = 50;
/** Smaller ones are tables, and wider ones than a screen no picture to look at here. */
const IMAGE_SIDES = [8, 4_096] as const;
const IS_PICTURE = /image|mask|depth|map|pixel|segment/i;

export function readOutputs(outputs: Readonly<Record<string, unknown>>): Outputs {
  const tensors = Object.entries(outputs).map(([name, value]) => {
    const shape = shapeOf(value);
    return { name, shape, lean: lean(shape), values: (Array.isArray(value) ? value.flat(MOST_DIMENSIONS) : [value]) as Value[] };
  });
  const { detections, used } = detectionsIn(tensors);
  return {
    detections,
    outputs: tensors
      .filter(({ name }) => !used.includes(name))
      .map((tensor) => ({ name: tensor.name, shape: tensor.shape, view: viewOf(tensor) })),
  };
}

const MOST_DIMENSIONS = 16;

interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Without the ones in front. */
  readonly lean: readonly number[];
  readonly values: readonly Value[];
}

function shapeOf(value: unknown): readonly number[] {
  const shape: number[] = [];
  for (let at: unknown = value; Array.isArray(at) && shape.length < MOST_DIMENSIONS; at = at[0]) shape.push(at.length);
  return shape;
}

function lean(shape: readonly number[]): readonly number[] {
  const first = shape.findIndex((size) => size !== 1);
  return first === -1 ? [] : shape.slice(first);
}

function viewOf(tensor: Tensor): View {
  const picture = pictureOf(tensor);
  if (picture !== null) return { kind: 'image', picture };
  const { lean: shape, values } = tensor;
  if (shape.length < 2) {
    const placed = values.map((value, place) => [place, value] as const);
    if (placed.length <= LISTED) return { kind: 'list', values: placed, isCut: false };
    const sorted = placed.toSorted(([, one], [, other]) => Number(other) - Number(one));
    return { kind: 'list', values: sorted.slice(0, LISTED), isCut: true };
  }
  const columns = shape.at(-1) ?? 1;
  const rows = Array.from({ length: Math.min(ROWS, values.length / Math.max(1, columns)) }, (_, row) =>
    values.slice(row * columns, row * columns + Math.min(columns, COLUMNS)),
  );
  return { kind: 'rows', rows, columns };
}

/** By the shape; a single plane only where its name says that it is one. */
function pictureOf({ name, lean: shape, values }: Tensor): Picture | null {
  const isSide = (size = 0): boolean => size >= IMAGE_SIDES[0] && size <= IMAGE_SIDES[1];
  const [first = 0, second = 0, third = 0] = shape;
  if (values.some((value) => typeof value !== 'number')) return null;
  const numbers = values as readonly number[];
  if (shape.length === 2 && isSide(first) && isSide(second) && IS_PICTURE.test(name)) return painted(numbers, first, second, 1, false);
  if (shape.length !== 3) return null;
  if ((first === 3 || first === 4) && isSide(second) && isSide(third)) return painted(numbers, second, third, first, true);
  if ((third === 3 || third === 4) && isSide(first) && isSide(second)) return painted(numbers, first, second, third, false);
  return third === 1 && isSide(first) && isSide(second) && IS_PICTURE.test(name) ? painted(numbers, first, second, 1, false) : null;
}

function painted(values: readonly number[], height: number, width: number, channels: number, isChannelsFirst: boolean): Picture {
  const [low, high] = values.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [0, 0]);
  // Values of bytes as they are, of shares times 255, and whatever else stretched between its ends.
  const scale = low >= 0 && high > 1.01 && high <= 255 ? [0, 1] : low >= 0 && high <= 1.01 ? [0, 255] : [low, 255 / (high - low || 1)];
  const pixels = new Uint8ClampedArray(width * height * 4);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    for (let channel = 0; channel < 4; channel += 1) {
      const from = channels === 1 ? 0 : channel;
      const value = values[isChannelsFirst ? from * width * height + pixel : pixel * channels + from];
      const isOpaque = channel === 3 && channels < 4;
      pixels[pixel * 4 + channel] = isOpaque ? 255 : ((value ?? 0) - (scale[0] ?? 0)) * (scale[1] ?? 1);
    }
  }
  return { width, height, pixels };
}

/**
 * Boxes beside scores or classes of the same number, or rows of six: a box, its score, its class.
 */
function detectionsIn(tensors: readonly Tensor[]): { readonly detections: readonly Detection[] | null; readonly used: readonly string[] } {
  const find = (name: RegExp, fits: (tensor: Tensor) => boolean): Tensor | undefined =>
    tensors.find((tensor) => name.test(tensor.name) && fits(tensor));
  const whole = tensors.find(({ name, shape, values }) => /det|box|output/i.test(name) && shape.at(-1) === 6 && isScored(values));
  if (whole !== undefined && tensors.length === 1) {
    const rows = Array.from({ length: whole.values.length / 6 }, (_, row) => whole.values.slice(row * 6, row * 6 + 6).map(Number));
    return {
      detections: best(rows.map((row) => ({ box: row.slice(0, 4), score: row[4] ?? null, label: String(row[5]) }))),
      used: [whole.name],
    };
  }
  const boxes = find(/box|loc/i, ({ shape, values }) => shape.at(-1) === 4 && values.every((value) => typeof value === 'number'));
  if (boxes === undefined) return { detections: null, used: [] };
  const count = boxes.values.length / 4;
  const scores = find(/score|conf|prob/i, ({ values }) => values.length === count);
  const labels = find(/class|label|categor/i, ({ values }) => values.length === count);
  if (scores === undefined && labels === undefined) return { detections: null, used: [] };
  const detections = Array.from({ length: count }, (_, at) => ({
    box: boxes.values.slice(at * 4, at * 4 + 4).map(Number),
    score: scores === undefined ? null : Number(scores.values[at]),
    label: String(labels?.values[at] ?? ''),
  }));
  return { detections: best(detections), used: [boxes, scores, labels].flatMap((tensor) => tensor?.name ?? []) };
}

function isScored(values: readonly Value[]): boolean {
  return values.length > 0 && values.every((value, at) => typeof value === 'number' && (at % 6 !== 4 || (value >= 0 && value <= 1)));
}

function best(detections: readonly Detection[]): readonly Detection[] {
  return detections.toSorted((one, other) => (other.score ?? 0) - (one.score ?? 0)).slice(0, DETECTIONS);
}
