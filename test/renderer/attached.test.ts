/**
 * Images of a draft: none is lost to another, whatever order they are read in; and what a field of
 * a file takes.
 */
import { beforeEach, expect, test, vi } from 'vitest';
import { attach, detach, MOST_IMAGES, takeAttached, useAttached } from '../../renderer/pages/playground/attached.ts';
import { isAccepted } from '../../renderer/ui/accepted.ts';

/** Read when the test says so. */
const reading = new Map<Blob, PromiseWithResolvers<string>>();
const read = vi.fn((file: Blob) => {
  const promised = Promise.withResolvers<string>();
  reading.set(file, promised);
  return promised.promise;
});
const blob = () => new Blob(['x']);

beforeEach(() => useAttached.setState({ images: [], reading: 0, trouble: null }));

test('one that is pasted while another is read is not lost, nor is one that is taken away meanwhile there again', async () => {
  useAttached.setState({ images: ['data:old'] });
  const [first, second] = [blob(), blob()];
  const both = [attach([first], read), attach([second], read)];
  expect(useAttached.getState().reading).toBe(2);
  detach(0);
  reading.get(second)?.resolve('data:second');
  reading.get(first)?.resolve('data:first');
  await Promise.all(both);
  expect(useAttached.getState()).toEqual({ images: ['data:second', 'data:first'], reading: 0, trouble: null });
  expect(takeAttached()).toEqual(['data:second', 'data:first']);
  expect(useAttached.getState().images).toEqual([]);
});

test('of several the good ones are taken, and the bad one is told', async () => {
  const [good, bad] = [blob(), blob()];
  const both = attach([bad, good], read);
  reading.get(bad)?.reject(new Error('no image'));
  reading.get(good)?.resolve('data:good');
  await both;
  expect(useAttached.getState()).toMatchObject({ images: ['data:good'], reading: 0, trouble: expect.stringContaining('no image') });
});

test('no more than go with a question, those that are being read among them', async () => {
  void attach(Array.from({ length: MOST_IMAGES - 1 }, blob), read);
  await attach([blob(), blob()], read);
  expect(useAttached.getState()).toMatchObject({ reading: MOST_IMAGES - 1, trouble: 'At most 4 images go with a question.' });
});

test.each([
  ['cat.png', 'image/png', 'image/*', true],
  ['cat.PNG', 'IMAGE/PNG', 'image/*', true],
  ['notes.txt', 'text/plain', 'image/*', false],
  ['model.gguf', '', 'image/*', false],
  ['image.zip', 'application/image', 'image/*', false],
  ['talk.flac', '', 'audio/*,.flac', true],
  ['talk.mp4', 'video/mp4', 'audio/*, video/mp4', true],
  ['film.mov', 'video/quicktime', 'audio/*,video/mp4', false],
])('%s of type "%s" for %s: %s', (name, type, accept, expected) => {
  expect(isAccepted({ name, type }, accept)).toBe(expected);
});
