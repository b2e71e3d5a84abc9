// A reporter of vitest: writes the names of the tests that failed at first and passed at a second try to the file that AGAIN_SECOND_TRIES names, one a line.

import { writeFileSync } from 'node:fs';

export default class SecondTries {
  onTestRunEnd(modules) {
    const names = modules
      .flatMap((module) => [...module.children.allTests()])
      .filter((test) => (test.diagnostic()?.retryCount ?? 0) > 0)
      .map((test) => `${test.module.relativeModuleId}: ${test.fullName}`);
    if (process.env.AGAIN_SECOND_TRIES)
      writeFileSync(process.env.AGAIN_SECOND_TRIES, names.map((name) => `${name}\n`).join(''));
  }
}
