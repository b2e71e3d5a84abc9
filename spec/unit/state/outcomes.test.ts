import { describe, expect, test } from 'vitest';
import { failureIn } from '../../../src/state/outcomes.ts';

const HEAD = 'again: 2026-01-02T03:04:05.678Z runs puppet agent --onetime\n';

describe('the log of a rerun that has left no report', () => {
  test.each([
    [
      'the kernel refused it',
      'process.execve failed with error code ENOENT\n',
      'the command could not be started (ENOENT)',
    ],
    [
      'env(1) could not start it',
      'env: ‘/usr/bin/ruby’: Permission denied\n',
      'the command could not be started (‘/usr/bin/ruby’: Permission denied)',
    ],
    [
      'Ruby could not become it',
      'again: /usr/bin/ruby cannot be run: No such file or directory\n',
      'the command could not be started (/usr/bin/ruby cannot be run: No such file or directory)',
    ],
    [
      'Puppet does not know an option any more',
      '\u001b[1;31mError: Could not parse application options: invalid option: --pluginsync\nDid you mean?  pluginsource\u001b[0m\n',
      'refused by Puppet: Could not parse application options: invalid option: --pluginsync',
    ],
    [
      'Puppet skipped the run',
      'Notice: Run of Puppet configuration client already in progress; skipping  (/x.lock exists)\n',
      'skipped by Puppet: Run of Puppet configuration client already in progress; skipping  (/x.lock exists)',
    ],
    ['Puppet says something else', 'Error: Could not retrieve catalog\n', undefined],
    [
      'an Exec of Puppet says it',
      'Notice: /Stage[main]/Main/Exec[x]/returns: again: not started by Puppet\n',
      undefined,
    ],
    ['there is nothing', '', undefined],
  ])('%s', (_, log, failure) => {
    expect(failureIn(HEAD + log)).toBe(failure);
  });
});
