/**
 * LoRAs on a whole engine without a world: blocked until their base is there, and again when it
 * leaves.
 */
import { describe, expect, test } from 'vitest';
import type { ModelProfile } from '../../shared/profile.ts';
import { GIB } from '../../shared/units.ts';
import { createCoreBox, textProfile } from '../helpers/core-box.ts';

const LORA: Partial<ModelProfile> = {
  kind: 'unknown',
  architecture: 'lora',
  base: 'Owner/Base-1B',
  forms: [{ kind: 'adapter', files: ['adapter_config.json', 'adapter_model.safetensors'], codeFiles: [] }],
};

function loraBox(names: Readonly<Record<string, string>> = {}) {
  const box = createCoreBox({
    gpus: [24 * GIB],
    serves: (form) => form.kind === 'gguf',
    profile: (id, bytes) => ({ ...textProfile(bytes), name: names[id] ?? null, ...(id.startsWith('lora') ? LORA : {}) }),
  });
  const verdict = (id: string) => {
    const state = box.registry.get(id)?.state;
    return state?.name === 'blocked' ? state : null;
  };
  return { ...box, verdict };
}

describe('a LoRA', () => {
  test('says which base it needs, and goes on when that comes and when it leaves', async () => {
    const box = loraBox();
    box.drop('lora', GIB, 'content');
    await box.clock.advance(2_000);
    expect(box.verdict('lora')).toMatchObject({ reason: 'needs-base', message: expect.stringContaining('Owner/Base-1B') });
    box.drop('other', GIB);
    await box.clock.advance(2_000);
    expect(box.verdict('lora')?.reason).toBe('needs-base');
    box.drop('Base-1B', GIB);
    await box.clock.advance(2_000);
    expect(box.verdict('lora')).toMatchObject({ reason: 'no-runtime', message: expect.stringContaining('for Base-1B') });
    expect(box.verdict('lora')?.help).toContain('Merge it into its base');
    const refusals = box.decisions.filter(({ modelId, action }) => modelId === 'lora' && action === 'refuse');
    expect(refusals.map(({ reason }) => reason)).toEqual(['needs-base', 'needs-base', 'no-runtime']);
    box.registry.apply('Base-1B', { type: 'gone' });
    await box.clock.advance(2_000);
    expect(box.verdict('lora')?.reason).toBe('needs-base');
  });

  test.each<[string, (box: ReturnType<typeof loraBox>) => void]>([
    ['an alias', (box) => box.registry.update('thing', { aliases: ['owner/base-1b'] })],
    ['where it lies', (box) => box.registry.update('thing', { path: '/models/Owner/Base-1B' })],
    ['what its files call it', () => {}],
  ])('knows its base by %s', async (what, name) => {
    const box = loraBox(what === 'what its files call it' ? { thing: 'owner/base-1b' } : {});
    box.drop('lora', GIB);
    box.drop('thing', GIB);
    await box.clock.advance(2_000);
    name(box);
    await box.clock.advance(2_000);
    expect(box.verdict('lora')?.reason).toBe('no-runtime');
  });

  test('of a LoRA is none: another LoRA of that name is not its base', async () => {
    const box = loraBox({ 'lora-2': 'Owner/Base-1B' });
    box.drop('lora', GIB);
    box.drop('lora-2', GIB);
    await box.clock.advance(2_000);
    expect(box.verdict('lora')?.reason).toBe('needs-base');
  });
});
