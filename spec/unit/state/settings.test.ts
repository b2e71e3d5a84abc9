import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseSettings, readSettings } from '../../../src/state/settings.ts';
import { refusalOf } from '../thrown.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'again-unit-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const GOOD = {
  puppet_version: '7.23.0',
  burst: 10,
  max_delay: 1800,
  limit: null,
  splay: 0,
  grace: 5,
  unsupported: 'warn',
  logdest: 'journal',
  rerun: 'unit',
};
const PATH = '/x/again.json';
const refusal = (settings: unknown) => refusalOf(() => parseSettings(JSON.stringify(settings), PATH));
const said = (text: string) => `the settings ${PATH} have ${text}`;

describe('again.json', () => {
  test('as the template writes it', () => {
    expect(parseSettings(JSON.stringify(GOOD), PATH)).toMatchObject({
      puppetVersion: '7.23.0',
      burst: 10,
      maxDelay: 1800,
      limit: undefined,
      splay: 0,
      grace: 5,
      unsupported: 'warn',
      logdest: 'journal',
      rerun: 'unit',
    });
  });

  test('as version 0.1.0 wrote it', () => {
    const { grace: _, unsupported: __, logdest: ___, rerun: ____, ...old } = GOOD;
    expect(parseSettings(JSON.stringify(old), PATH)).toMatchObject({
      grace: 3,
      unsupported: 'fail',
      logdest: 'file',
      rerun: 'command',
    });
  });

  test.each<[string, Record<string, number>]>([
    ['least', { burst: 0, max_delay: 30, limit: 1, splay: 0, grace: 0 }],
    ['most', { burst: 1000, max_delay: 86_400, limit: 100_000, splay: 86_400, grace: 60 }],
  ])('the %s that each key takes', (_, values) => {
    expect(() => parseSettings(JSON.stringify({ ...GOOD, ...values }), PATH)).not.toThrow();
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['burst too small', { burst: -1 }, 'burst = -1, not an integer from 0 to 1000'],
    ['burst too large', { burst: 1001 }, 'burst = 1001, not an integer from 0 to 1000'],
    ['burst as text', { burst: '10' }, 'burst = "10", not an integer from 0 to 1000'],
    ['burst that is not whole', { burst: 1.5 }, 'burst = 1.5, not an integer from 0 to 1000'],
    ['burst null', { burst: null }, 'burst = null, not an integer from 0 to 1000'],
    ['burst missing', { burst: undefined }, 'burst = undefined, not an integer from 0 to 1000'],
    ['max_delay too small', { max_delay: 29 }, 'max_delay = 29, not an integer from 30 to 86400'],
    ['max_delay too large', { max_delay: 86_401 }, 'max_delay = 86401, not an integer from 30 to 86400'],
    ['limit 0', { limit: 0 }, 'limit = 0, not an integer from 1 to 100000'],
    ['limit too large', { limit: 100_001 }, 'limit = 100001, not an integer from 1 to 100000'],
    ['limit missing', { limit: undefined }, 'limit = undefined, not an integer from 1 to 100000'],
    ['limit false', { limit: false }, 'limit = false, not an integer from 1 to 100000'],
    ['splay negative', { splay: -1 }, 'splay = -1, not an integer from 0 to 86400'],
    ['grace negative', { grace: -1 }, 'grace = -1, not an integer from 0 to 60'],
    ['grace too large', { grace: 61 }, 'grace = 61, not an integer from 0 to 60'],
    ['grace null', { grace: null }, 'grace = null, not an integer from 0 to 60'],
    [
      'unsupported another word',
      { unsupported: 'ignore' },
      'unsupported = "ignore", neither "fail" nor "warn"',
    ],
    ['logdest another word', { logdest: 'syslog' }, 'logdest = "syslog", neither "file" nor "journal"'],
    ['logdest null', { logdest: null }, 'logdest = null, neither "file" nor "journal"'],
    ['rerun another word', { rerun: 'service' }, 'rerun = "service", neither "command" nor "unit"'],
    ['unsupported null', { unsupported: null }, 'unsupported = null, neither "fail" nor "warn"'],
    ['splay a list', { splay: [1] }, 'splay = [1], not an integer from 0 to 86400'],
  ])('%s', (_, values, text) => {
    expect(refusal({ ...GOOD, ...values })).toBe(said(text));
  });

  test.each([
    ['empty', ''],
    ['cut off', '{"burst": 10'],
    ['YAML', 'burst: 10\n'],
    ['with a comment', '{} // x'],
  ])('%s', (_, content) => {
    expect(refusalOf(() => parseSettings(content, PATH))).toBe(
      `the settings ${PATH} are not JSON: run Puppet once, and they are written`,
    );
  });

  test.each(['null', '[]', '3', '"text"', '{}', 'true'])('JSON that is no settings: %s', (content) => {
    expect(refusalOf(() => parseSettings(content, PATH))).toBe(
      said('burst = undefined, not an integer from 0 to 1000'),
    );
  });
});

describe('the file', () => {
  test('beside the executable', () => {
    writeFileSync(join(dir, 'again.json'), JSON.stringify({ ...GOOD, burst: 3 }));
    expect(readSettings(dir).burst).toBe(3);
  });

  test('missing', () => {
    expect(refusalOf(() => readSettings('/nonexistent'))).toBe(
      'the settings /nonexistent/again.json cannot be read (ENOENT): run Puppet once, it writes them',
    );
  });
});
