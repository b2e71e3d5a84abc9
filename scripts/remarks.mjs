// A reporter of vitest for the closing part of `npm test`: writes a line for each test that failed, and for each that passed at a second try
// only, with the first error of each, to the file that AGAIN_REMARKS names.

import { writeFileSync } from 'node:fs';

/** How much of an error the line tells, in characters. */
const longest = 600;

export default class Remarks {
  onTestRunEnd(modules) {
    if (!process.env.AGAIN_REMARKS) return;
    const lines = modules.flatMap((module) => [
      ...module.errors().map((error) => `failed: ${module.relativeModuleId}: ${tell([error])}`),
      ...[...module.children.allTests()].flatMap(remarkOn),
    ]);
    writeFileSync(process.env.AGAIN_REMARKS, lines.map((line) => `${line}\n`).join(''));
  }
}

function remarkOn(test) {
  const { state, errors } = test.result();
  const name = `${test.module.relativeModuleId}: ${test.fullName}`;
  if (state === 'failed') return [`failed: ${name}: ${tell(errors)}`];
  return (test.diagnostic()?.retryCount ?? 0) > 0
    ? [`passed at its second try: ${name}: ${tell(errors)}`]
    : [];
}

function tell(errors) {
  return (errors?.[0]?.message ?? 'no error was kept').replaceAll(/\s+/g, ' ').slice(0, longest);
}
