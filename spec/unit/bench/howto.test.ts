import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { consolesOf, withConsole } from '../../../bench/howto/page.ts';
import { notRecorded, scenes } from '../../../bench/howto/scenes.ts';

const page = `# How to

## One

\`\`\`puppet
# no console
\`\`\`

\`\`\`console
# first
output
# second
\`\`\`

## Two

\`\`\`console
# third
\`\`\`

\`\`\`console
STEP 5/5: RUN something
# no output
\`\`\`
`;

describe('the consoles of a page', () => {
  test('are found, with their commands and what those print', () => {
    const [first, , third] = consolesOf(page);
    expect(first).toEqual({
      ...{ heading: 'One', index: 0, before: '' },
      entries: [
        { command: 'first', output: 'output\n' },
        { command: 'second', output: '' },
      ],
    });
    expect(third).toMatchObject({ heading: 'Two', index: 1, before: 'STEP 5/5: RUN something\n' });
  });

  test('are replaced one by one', () => {
    const entries = [{ command: 'third', output: 'it costs $1\n' }];
    const changed = withConsole(page, { heading: 'Two', index: 0, before: '', entries });
    expect(changed).toBe(page.replace('# third\n', () => '# third\nit costs $1\n'));
  });

  test.each([
    ['that looks like a command', '# it looks like one\n'],
    ['that is not ended', 'no end'],
  ])('take no output %s', (_, output) => {
    const entries = [{ command: 'third', output }];
    expect(() => withConsole(page, { heading: 'Two', index: 0, before: '', entries })).toThrow(/Two: a line/);
  });

  test('that are not there are not replaced', () => {
    expect(() => withConsole(page, { heading: 'Two', index: 2, before: 'x\n', entries: [] })).toThrow(
      'the page has no console 2 below Two',
    );
  });
});

test('each console of docs/HOWTO.md is recorded by one scene, but for those with commands alone', () => {
  const howto = readFileSync(new URL('../../../docs/HOWTO.md', import.meta.url), 'utf8');
  const named = (consoles: Readonly<Record<string, readonly number[]>>) =>
    Object.entries(consoles).flatMap(([heading, numbers]) => numbers.map((index) => `${heading} ${index}`));
  const all = [...scenes.flatMap(({ consoles }) => named(consoles)), ...named(notRecorded)];
  expect(all.sort()).toEqual(
    consolesOf(howto)
      .map(({ heading, index }) => `${heading} ${index}`)
      .sort(),
  );
});
