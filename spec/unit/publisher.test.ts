import { spawnSync } from 'node:child_process';
import { PassThrough, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { ask } from '../../scripts/ask.mjs';
import { obstacles, publishedMetadata, questions, wrongAnswers } from '../../scripts/publisher.mjs';

const answers = {
  'forge-user': 'acme',
  author: 'ACME Ltd. & friends',
  source: 'https://git.acme.io/puppet/common.git',
  'project-page': 'https://acme.io/common',
  'issues-url': 'https://git.acme.io/puppet/common/issues',
};

describe('what a publisher is asked for', () => {
  test('goes into metadata.json, and nothing else is changed', () => {
    expect(wrongAnswers(answers)).toEqual([]);
    const metadata = { name: 'seed-common', version: '1.2.3', author: 'seed', source: 'x', tags: ['a'] };
    expect(publishedMetadata(metadata, answers)).toEqual({
      name: 'acme-common',
      version: '1.2.3',
      author: 'ACME Ltd. & friends',
      source: 'https://git.acme.io/puppet/common.git',
      project_page: 'https://acme.io/common',
      issues_url: 'https://git.acme.io/puppet/common/issues',
      tags: ['a'],
    });
  });

  test.each([
    ['forge-user', '', 'must be letters and digits alone'],
    ['forge-user', 'acme-inc', 'must be letters and digits alone'],
    ['author', ' ', 'must be a name on one line'],
    ['author', 'a\nb', 'must be a name on one line'],
    ['source', '', 'must be a complete address'],
    ['source', 'git@acme.io:common.git', 'must be a complete address'],
    ['source', 'http://acme.io/common', 'begins with https://'],
    ['source', 'https://me:secret@acme.io/common', 'without a password'],
    ['project-page', 'https://acme', 'must be a complete address'],
    ['issues-url', 'https://git.example.com/issues', 'git.example.com is a name that belongs to nobody'],
    ['issues-url', 'https://forge.example/issues', 'forge.example is a name that belongs to nobody'],
  ])('--%s %j is refused', (option, value, reason) => {
    const wrong = wrongAnswers({ ...answers, [option]: value });
    expect(wrong).toHaveLength(1);
    expect(wrong[0]).toContain(`--${option} ${JSON.stringify(value)}: `);
    expect(wrong[0]).toContain(reason);
  });

  test('names that somebody owns are taken', () => {
    for (const host of ['test.com', 'example.io', 'examples.org', 'contest.net'])
      expect(wrongAnswers({ ...answers, source: `https://${host}/common` })).toEqual([]);
  });
});

describe('what keeps a project from being released', () => {
  const changelog = '# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-11-30\n\n### Added\n\n- x\n';
  const ready = { version: '1.2.3', changelog, changes: '', matrix: '1.2.3' };

  test('is nothing where all is done', () => {
    expect(obstacles(ready)).toEqual([]);
  });

  test.each<[string, Partial<typeof ready>, RegExp]>([
    ['a file that is not committed', { changes: ' M README.md\n' }, /^there are changes/],
    ['a version that is none', { version: '1.2' }, /^the version 1\.2 is not of the form/],
    [
      'an entry that is not released',
      { changelog: changelog.replace('## [Unreleased]\n', '## [Unreleased]\n\n- y\n') },
      /still has entries below \[Unreleased\]/,
    ],
    ['no section of that version', { changelog: '## [Unreleased]\n' }, /has no line "## \[1\.2\.3\] - YYYY/],
    [
      'a section without a day',
      { changelog: changelog.replace('2026-11-30', 'unreleased') },
      /has no line "## \[1\.2\.3\]/,
    ],
    [
      'a day that is none',
      { changelog: changelog.replace('11-30', '13-30') },
      /with the day of the release$/,
    ],
    ['a table of another version', { matrix: '1.2.2' }, /^docs\/SUPPORT\.md tells of version 1\.2\.2/],
  ])('is %s', (_, change, reason) => {
    const found = obstacles({ ...ready, ...change });
    expect(
      found.some((one) => reason.test(one)),
      found.join('\n'),
    ).toBe(true);
  });
});

describe('what is not given', () => {
  /** A terminal at which this is typed, or no terminal. */
  const typed = (text: string, isTTY = true) => {
    const output = new PassThrough();
    return {
      input: Object.assign(Readable.from([text]), { isTTY }),
      output,
      said: () => String(output.read() ?? ''),
    };
  };
  const { author, source, ...given } = answers;

  test('is refused without a terminal, with the options that are missing, and nothing is asked', async () => {
    const terminal = typed('ACME\n', false);
    const refused = ask(questions, given, terminal);
    await expect(refused).rejects.toThrow(
      'only a publisher knows --author, --source: give them, or run this at a terminal',
    );
    await expect(refused).rejects.toMatchObject({ status: 64 });
    expect(terminal.said()).toBe('');
  });

  test('is asked for at a terminal, and nothing else', async () => {
    const terminal = typed(`${author} \n${source}\n`);
    expect(await ask(questions, given, terminal)).toEqual(answers);
    expect(terminal.said().match(/[^:]+: /g)).toHaveLength(2);
    expect(await ask(questions, answers, typed('', false))).toEqual(answers);
  });

  test('is not made up where the terminal ends', async () => {
    await expect(ask(questions, given, typed('ACME\n'))).rejects.toThrow('--source was not answered');
  });
});

test('the script takes no option that it does not know, and makes up no answer', () => {
  const script = fileURLToPath(new URL('../../scripts/release.mjs', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [script, '--owner', 'me'], { encoding: 'utf8' });
  expect(status).toBe(64);
  expect(stderr).toMatch(/^release: Unknown option '--owner'.*\n$/);
  expect(questions.every(({ ask }) => ask.length > 0)).toBe(true);
});
