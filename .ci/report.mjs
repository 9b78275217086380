/**
 * What one or two runs of Vitest found: `node report.mjs FAILURES FIRST.json [SECOND.json]`.
 *
 * Prints three values in a line: how many tests passed, how many failed or were skipped, and the files that are worth a
 * second run, separated by commas. Adds to the file FAILURES what failed, each with its first lines.
 * The second run holds the failed files alone, on a machine that does nothing else: a test that passes there failed
 * because the machine was busy. It counts as passed, and is named all the same: it is a fault of the test.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';

/** More failed files than this are no accident of a busy machine, and are not run again. */
const MOST_FILES_AGAIN = 6;

const [failuresFile, firstFile, secondFile] = process.argv.slice(2);
const first = JSON.parse(readFileSync(firstFile, 'utf8'));
const second = secondFile ? JSON.parse(readFileSync(secondFile, 'utf8')) : undefined;

const passed = (status) => status === 'passed';
const failed = (status) => status === 'failed';
const short = (file) => relative(process.cwd(), file);
const filesAgain = first.testResults.filter(({ status }) => failed(status)).map(({ name }) => short(name));

/** A file that does not load, or whose setting up fails, has a message of its own: one outcome for the whole file. */
function outcomes({ name, status, message, assertionResults }) {
  return failed(status) && !assertionResults.some((test) => failed(test.status))
    ? [{ id: short(name), status, text: message }]
    : assertionResults.map((test) => ({
        id: `${short(name)}: ${test.fullName}`,
        status: test.status,
        text: test.failureMessages?.join('\n'),
      }));
}

const lines = [];
const tell = (word, { id, text }) => lines.push(`${word} ${id}\n${text?.slice(0, 1500) ?? ''}\n`);
let good = 0;
let bad = 0;
for (const file of first.testResults) {
  const alone = second?.testResults.find(({ name }) => name === file.name);
  const last = outcomes(alone ?? file);
  for (const outcome of last) {
    if (passed(outcome.status)) good += 1;
    else {
      bad += 1;
      tell(failed(outcome.status) ? 'FAILED' : 'SKIPPED', outcome);
    }
  }
  if (alone && !failed(alone.status)) for (const outcome of outcomes(file)) if (failed(outcome.status)) tell('PASSED ONLY ALONE', outcome);
}
appendFileSync(failuresFile, lines.join(''));
process.stdout.write(`${good} ${bad} ${filesAgain.length <= MOST_FILES_AGAIN ? filesAgain.join(',') : ''}\n`);
