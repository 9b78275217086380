/**
 * A GPU that llama.cpp cannot use is named where people look. No GPU is here: the driver is a
 * fixture, llama.cpp is the real one.
 */
import { expect, test } from 'vitest';
import { startTestEngine } from './helpers/engine.ts';
import { makeSimulatedBox } from './helpers/simulated-box.ts';

test('the runtime’s line, which the Box page shows, and a decision say why the processor computes', async (context) => {
  const box = makeSimulatedBox({ gpus: [{ totalMiB: 8000 }] });
  // A model that is to lie on the GPU, so that the decision tells why it does not.
  const engine = await startTestEngine({ gpus: { nvidia_smi: box.nvidiaSmi }, models: { tiny: { gpus: [0] } } });
  context.onTestFinished(async () => {
    await engine.close();
    box.remove();
  });
  const { runtimes } = await engine.status();
  const message = runtimes.find(({ id }) => id === 'llama')?.message;
  expect(message).toMatch(/^The embedded llama.cpp v[\d.]+\. It cannot use the GPU/);
  await engine.drop('tiny');
  await engine.waitFor('tiny', 'blocked');
  expect(JSON.stringify(await engine.decisions('tiny'))).toMatch(/llama.cpp cannot use the GPU/);
});
