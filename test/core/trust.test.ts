/**
 * Trust on a whole engine without a world: who may run, what takes trust back, and what that does
 * to a model in each state.
 */
import { describe, expect, test } from 'vitest';
import type { ModelProfile } from '../../shared/profile.ts';
import { GIB } from '../../shared/units.ts';
import { createCoreBox, textProfile } from '../helpers/core-box.ts';

const ID = 'coder';
const CODE = `/${ID}`;
const FORM = { kind: 'transformers', files: ['config.json'], codeFiles: ['modeling.py'] } as const;

/** One model whose only form brings code, on a box with a GPU that would hold it. */
async function codeBox(forms: ModelProfile['forms'] = [FORM]) {
  const box = createCoreBox({ gpus: [24 * GIB], profile: (_id, bytes) => ({ ...textProfile(bytes), forms }) });
  box.world.code.set(CODE, 'a1');
  box.drop(ID, GIB, 'content');
  await box.clock.advance(2_000);
  const signal = new AbortController().signal;
  const look = (content = box.world.code.get(CODE) ?? '') =>
    box.registry.update(ID, { files: [box.codeIdentity(CODE, 'modeling.py')].map((file) => ({ ...file, bytes: content.length })) });
  return {
    ...box,
    look,
    blocked: () => {
      const state = box.registry.get(ID)?.state;
      return state?.name === 'blocked' ? state : null;
    },
    show: () => box.trust.show(ID, signal),
    set: (trusted: boolean, hash = box.world.code.get(CODE) ?? '') => box.trust.set(ID, { form: 'transformers', hash, trusted }, signal),
    /** Other bytes under the same name, seen by a look of the watcher. */
    write(content: string) {
      box.world.code.set(CODE, content);
      look(content);
    },
  };
}

type CodeBox = Awaited<ReturnType<typeof codeBox>>;

async function trustedAndReady(): Promise<CodeBox> {
  const box = await codeBox();
  await box.set(true);
  await box.clock.advance(5_000);
  expect(box.state(ID)).toBe('ready');
  return box;
}

describe('trust', () => {
  test('a model whose every form brings code is blocked until a person trusts it, and is then loaded as dropped', async () => {
    const box = await codeBox();
    expect(box.blocked()).toMatchObject({ reason: 'needs-trust', message: expect.stringContaining('modeling.py') });
    expect(box.blocked()?.help).toContain(`modelium trust ${ID}`);
    expect(box.rows.size).toBe(0);
    const [form] = (await box.show()).forms;
    expect(form).toMatchObject({ form: 'transformers', hash: 'a1', trusted: false, files: [{ path: 'modeling.py', preview: 'a1' }] });
    expect(form?.files[0]?.why).toContain('Python');
    await box.set(true);
    await box.clock.advance(5_000);
    expect(box.state(ID)).toBe('ready');
    expect((await box.show()).forms[0]).toMatchObject({ trusted: true, trustedAt: expect.any(String) });
  });

  test('a form without code beside it is served, and nobody is asked', async () => {
    const box = await codeBox([FORM, { kind: 'gguf', files: ['m.gguf'], codeFiles: [] }]);
    await box.clock.advance(5_000);
    const record = box.registry.get(ID);
    expect(record?.state).toMatchObject({ name: 'ready', plan: { form: 'gguf' } });
    const [row] = box.decisions.filter((each) => each.action === 'load');
    const risky = row?.candidates.filter((each) => each.plan.form === 'transformers') ?? [];
    expect(risky.length).toBeGreaterThan(0);
    expect(risky.every((each) => each.needsTrust && !each.feasible)).toBe(true);
  });

  test('trust is for the hash that was looked at: another one is refused', async () => {
    const box = await codeBox();
    await expect(box.set(true, 'b2')).rejects.toMatchObject({ code: 'content-changed' });
    expect(box.blocked()?.reason).toBe('needs-trust');
    expect(box.trusts).toEqual([]);
    await expect(box.trust.set(ID, { form: 'onnx', hash: 'a1', trusted: true }, new AbortController().signal)).rejects.toMatchObject({
      code: 'invalid-body',
    });
  });

  test('taken back while it serves: it leaves, and is blocked again', async () => {
    const box = await trustedAndReady();
    await box.set(false, 'whatever it was');
    expect(box.registry.get(ID)?.state).toMatchObject({ name: 'draining', reason: 'trust-lost' });
    await box.clock.advance(10_000);
    expect(box.blocked()?.reason).toBe('needs-trust');
    expect(box.trusts).toEqual([]);
  });

  test('other bytes take it away: the model drains for that reason, and the same bytes later do not bring trust back', async () => {
    const box = await trustedAndReady();
    box.write('b2');
    await box.clock.advance(10_000);
    expect(box.logged.some((line) => line.includes('no longer trusted'))).toBe(true);
    expect(box.blocked()?.reason).toBe('needs-trust');
    box.write('a1');
    await box.clock.advance(10_000);
    expect(box.blocked()?.reason).toBe('needs-trust');
  });

  test('files that were touched only are read again, and the model that serves is not disturbed', async () => {
    const box = await trustedAndReady();
    const readings = box.world.readings;
    const before = box.registry.get(ID)?.state;
    const touched = { ...box.codeIdentity(CODE, 'modeling.py'), ctimeMs: 77 };
    box.registry.update(ID, { files: [touched] });
    await box.clock.advance(1_000);
    expect(box.world.readings).toBe(readings + 1);
    expect(box.registry.get(ID)?.state).toBe(before);
  });

  test('files that are as they were are not read again', async () => {
    const box = await trustedAndReady();
    const readings = box.world.readings;
    for (let look = 0; look < 5; look += 1) box.look();
    await box.clock.advance(1_000);
    expect(box.world.readings).toBe(readings);
  });

  test('code that changes between the grant and the launch is not run', async () => {
    const box = await codeBox();
    await box.set(true);
    // The watcher has not looked yet: only the last look before the launch can see it.
    box.world.code.set(CODE, 'zz');
    await box.clock.advance(10_000);
    expect([...box.simulated.values()].filter((each) => each.modelId === ID)).toEqual([]);
    expect(box.logged.some((line) => line.includes('no longer trusted'))).toBe(true);
    expect(box.blocked()?.reason).toBe('needs-trust');
  });

  test.each([
    ['beside code that is trusted', FORM],
    ['beside no code so far', { ...FORM, codeFiles: [] }],
  ])('a file of code that comes between the look and the launch is not run: %s', async (_, before) => {
    const late = { path: 'late.py', bytes: 3, mtimeMs: 5, ctimeMs: 5, device: 1, inode: 9 };
    let isSeen = false;
    const box = createCoreBox({
      gpus: [24 * GIB],
      profile: (_id, bytes) => {
        const forms = [isSeen ? { ...FORM, codeFiles: [...before.codeFiles, 'late.py'] } : before];
        // Whoever looked has listed the files by now: it comes right after, and no watcher tells.
        isSeen = true;
        box.world.unseen.set(CODE, [late]);
        return { ...textProfile(bytes), forms };
      },
    });
    box.world.code.set(CODE, 'a1');
    box.drop(ID, GIB, 'content', 'folder');
    if (before.codeFiles.length > 0) {
      box.world.unseen.clear();
      await box.clock.advance(2_000);
      await box.trust.set(ID, { form: 'transformers', hash: 'a1', trusted: true }, new AbortController().signal);
    }
    await box.clock.advance(20_000);
    expect([...box.simulated.values()].filter((each) => each.modelId === ID)).toEqual([]);
    expect(box.registry.get(ID)?.state).toMatchObject({
      name: 'blocked',
      reason: 'needs-trust',
      message: expect.stringContaining('late.py'),
    });
  });

  test('what is not known any more is not run', async () => {
    const box = await trustedAndReady();
    const never = new AbortController().signal;
    const plan = { form: 'transformers', file: 'config.json' } as const;
    await box.trust.confirm(ID, plan, never);
    await expect(box.trust.confirm('nobody', plan, never)).rejects.toMatchObject({ code: 'content-changed' });
    await expect(box.trust.confirm(ID, { ...plan, form: 'onnx' }, never)).rejects.toMatchObject({ code: 'content-changed' });
    await expect(box.trust.confirm(ID, { ...plan, file: 'other.json' }, never)).rejects.toMatchObject({ code: 'content-changed' });
  });

  test('two forms of one kind are told apart: trust in the one is none in the other', async () => {
    const other = { kind: 'transformers', files: ['b.json'], codeFiles: ['b.py'] } as const;
    const box = await codeBox([FORM, other]);
    await box.set(true);
    const record = box.registry.get(ID);
    if (record === undefined) throw new Error('it is gone');
    expect([box.trust.standing(record, FORM), box.trust.standing(record, other)]).toEqual(['trusted', 'none']);
    await box.clock.advance(5_000);
    expect(box.registry.get(ID)?.state).toMatchObject({ name: 'ready', plan: { file: 'config.json' } });
  });

  test('one more file of code is other code', async () => {
    const box = await trustedAndReady();
    const profile = box.registry.get(ID)?.profile;
    if (profile == null) throw new Error('it has no profile');
    box.registry.update(ID, { profile: { ...profile, forms: [{ ...FORM, codeFiles: ['modeling.py', 'more.py'] }] } });
    await box.clock.advance(10_000);
    expect(box.blocked()?.reason).toBe('needs-trust');
    expect(box.trusts).toEqual([]);
  });

  test('a model that is forgotten takes its trust along', async () => {
    const box = await codeBox();
    await box.set(true);
    expect(box.trusts).toHaveLength(1);
    await box.manager.unloadModel(ID, 'gone', { to: 'forgotten' }).catch(() => undefined);
    await box.clock.advance(30_000);
    expect(box.state(ID)).toBe('forgotten');
    expect(box.trusts).toEqual([]);
  });
});
