#!/usr/bin/env node
/**
 * The entry point of the `modelium` command: checks the Node version, then imports
 * `cli/program.ts`. It imports nothing statically, so that an old Node prints a clear sentence
 * instead of a stack trace.
 */
const NEEDED_NODE = 24;

async function main(): Promise<void> {
  const version = process.versions.node;
  if (Number.parseInt(version, 10) < NEEDED_NODE) {
    console.error(`Modelium needs Node ${NEEDED_NODE} or newer; this is Node ${version} (${process.execPath}).`);
    console.error('Within a checkout, `npx --yes . VERB` uses the right version.');
    process.exitCode = 1;
    return;
  }
  const { keepCompiledCode } = await import('./io/compiled-code.ts');
  await keepCompiledCode();
  const { runProgram } = await import('./cli/program.ts');
  process.exitCode = await runProgram(process.argv);
}

await main();
