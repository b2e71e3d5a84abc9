// Asks at a terminal for answers that the command line has not given.

import { createInterface } from 'node:readline/promises';
import { Failure } from './project.mjs';

/**
 * Asks for the answers that are not given, where there is a terminal.
 *
 * @param {readonly { option: string, ask: string }[]} questions
 * @param {Record<string, string>} given answers by option
 * @param {{ input: NodeJS.ReadableStream & { isTTY?: boolean }, output: NodeJS.WritableStream }} [terminal]
 * @returns {Promise<Record<string, string>>} an answer for each option
 */
export async function ask(
  questions,
  given,
  { input, output } = { input: process.stdin, output: process.stdout },
) {
  const missing = questions.filter(({ option }) => given[option] === undefined);
  if (missing.length === 0) return given;
  if (!input.isTTY) {
    const names = missing.map(({ option }) => `--${option}`);
    throw new Failure(`only a publisher knows ${names.join(', ')}: give them, or run this at a terminal`, 64);
  }
  const terminal = createInterface({ input, output });
  try {
    const answers = { ...given };
    const lines = terminal[Symbol.asyncIterator](); // which loses none of several that come at once
    for (const { option, ask } of missing) {
      output.write(`${ask}: `);
      const { value, done } = await lines.next();
      if (done) {
        throw new Failure(`--${option} was not answered`);
      }
      answers[option] = value.trim();
    }
    return answers;
  } finally {
    terminal.close();
  }
}
