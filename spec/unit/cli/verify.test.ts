import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { verify } from '../../../src/cli/verify.ts';
import { temporaryFolder } from '../state/temporary.ts';

/** `printf content | sha256sum` */
const sum = 'ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73';

function delivered(executable: string | undefined, list: string | undefined) {
  const home = temporaryFolder();
  mkdirSync(join(home, 'state'));
  writeFileSync(join(home, 'state/delivered'), 'marks');
  if (executable !== undefined) writeFileSync(join(home, 'again'), executable);
  if (list !== undefined) writeFileSync(join(home, 'again.sha256'), list);
  return { home, isKnown: () => existsSync(join(home, 'state/delivered')) };
}

test('an executable as it was delivered', async () => {
  const { home, isKnown } = delivered('content', `${sum}  again\n`);
  expect(await verify(home)).toBe(sum);
  expect(isKnown()).toBe(true);
});

test('a damaged one is forgotten, so that Puppet delivers it again', async () => {
  const { home, isKnown } = delivered('contend', `${sum}  again\n`);
  await expect(verify(home)).rejects.toThrow(
    new RegExp(`^${home}/again is damaged \\(sha256 [0-9a-f]{64}, not ${sum}\\): the next run of Puppet`),
  );
  expect(isKnown()).toBe(false);
});

test('one that cannot be read is refused', async () => {
  const { home, isKnown } = delivered(undefined, `${sum}  again\n`);
  await expect(verify(home)).rejects.toThrow(`${home}/again cannot be read: ENOENT`);
  expect(isKnown()).toBe(true);
});

test.each([undefined, '', 'rubbish', `${sum}  other\n`, `${sum} again\n`])(
  'a list %j that does not say what was delivered is refused',
  async (list) => {
    const { home, isKnown } = delivered('content', list);
    await expect(verify(home)).rejects.toThrow(
      `${home}/again.sha256 does not say what was delivered: run Puppet`,
    );
    expect(isKnown()).toBe(true);
  },
);
