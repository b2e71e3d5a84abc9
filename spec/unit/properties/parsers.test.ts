// Properties of everything that reads what others have written. How many inputs, and the long mode: see runs.ts.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Bytes,
  fromBuffer,
  fromText,
  splitAtNul,
  toBuffer,
  toDisplay,
  toText,
} from '../../../src/os/bytes.ts';
import { parseOpenFilesLimit } from '../../../src/os/limits.ts';
import type { ProcessSnapshot } from '../../../src/os/process.ts';
import { oneLine, Refusal } from '../../../src/os/refusal.ts';
import { parseStat } from '../../../src/os/stat.ts';
import { parseStatus } from '../../../src/os/status.ts';
import { parseVerdict } from '../../../src/os/verdict.ts';
import { parseArguments } from '../../../src/puppet/arguments.ts';
import { describeCommand } from '../../../src/puppet/describe.ts';
import { identifyRun } from '../../../src/puppet/identify.ts';
import { parsePuppetCommandLine } from '../../../src/puppet/interpreter.ts';
import { parseReport } from '../../../src/puppet/report.ts';
import type { Run } from '../../../src/puppet/run.ts';
import { parseConfig } from '../../../src/puppet/settings.ts';
import { rerunArguments } from '../../../src/repeat/command.ts';
import { chainLinkOf, rerunEnvironment } from '../../../src/repeat/environment.ts';
import { textArguments, textEnvironment } from '../../../src/repeat/exactly.ts';
import { throughRuby } from '../../../src/repeat/ruby.ts';
import { formatCondition, parseCondition, parseEndpoint } from '../../../src/schedule/condition.ts';
import { canonicalArguments, isName, parseCanonical, parseDelta } from '../../../src/schedule/request.ts';
import { parsePastRerun } from '../../../src/state/history.ts';
import { type CommandRecord, parseRecord } from '../../../src/state/records.ts';
import { parseSettings } from '../../../src/state/settings.ts';
import { parseUnit } from '../../../src/systemd/cgroup.ts';
import { parseProperties } from '../../../src/systemd/properties.ts';
import { record } from '../state/record.ts';
import { holds, timeout } from './runs.ts';
import { bytes, item, mixedEntries, processId, word } from './values.ts';

/** Text with a lot of what the formats are made of. */
const text = fc.oneof(
  bytes(),
  fc
    .array(
      fc.constantFrom(
        '\n',
        ' ',
        '\t',
        ':',
        '=',
        '(',
        ')',
        '[',
        ']',
        '0',
        '1',
        '-1',
        '9999999999999999999',
        'x',
        '\0',
        '{',
        '}',
        '"',
        'Uid',
        'Umask',
        'SigIgn',
        'SigBlk',
        'Max open files',
        'unlimited',
        '0::/a.service',
        '---',
        'time: ',
      ),
    )
    .map((parts) => parts.join('')),
);

/** A text that was right, with some characters changed, taken out or put in. */
function damaged(right: string): fc.Arbitrary<string> {
  const change = fc.record({
    at: fc.nat(right.length),
    drop: fc.nat(5),
    put: fc.oneof(fc.string({ maxLength: 3 }), bytes()),
  });
  return fc
    .array(change, { minLength: 1, maxLength: 3 })
    .map((changes) =>
      changes.reduce(
        (damagedText, { at, drop, put }) => damagedText.slice(0, at) + put + damagedText.slice(at + drop),
        right,
      ),
    );
}

describe('bytes', { timeout }, () => {
  test('come back from buffers', () => {
    holds(bytes(), (given) => {
      expect(fromBuffer(toBuffer(given))).toBe(given);
    });
  });

  test('come back from text, where they are text, and are text only then', () => {
    holds(bytes(), (given) => {
      const decoded = toText(given);
      if (decoded !== undefined) expect(fromText(decoded)).toBe(given);
    });
  });

  test('text comes back from bytes', () => {
    const character = fc
      .integer({ min: 0, max: 0x10ffff })
      .filter((code) => code < 0xd800 || code > 0xdfff)
      .map((code) => String.fromCodePoint(code));
    holds(fc.string({ unit: character }), (given) => {
      expect(toText(fromText(given))).toBe(given);
    });
  });

  test('are shown on one line without control characters', () => {
    holds(bytes(), (given) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is what is tested
      expect(toDisplay(given)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    });
  });

  test("the kernel's lists come back", () => {
    holds(fc.array(item), (items) => {
      expect(splitAtNul(items.map((one) => `${one}\0`).join('') as Bytes)).toEqual(items);
    });
  });
});

describe('/proc', { timeout }, () => {
  test('stat: any name, any numbers', () => {
    const name = bytes('', { maxLength: 16 });
    holds(
      name,
      fc.constantFrom(...'RSDTtZXI'),
      fc.nat(),
      fc.nat({ max: 2 ** 48 }),
      (comm, state, parent, start) => {
        const line = `1 (${comm}) ${state} ${parent} 1 2 0 -1 4194560 1 0 0 0 1 2 3 4 20 0 1 0 ${start} 5 6`;
        expect(parseStat(line)).toEqual({ parent, group: 1, session: 2, foreground: -1, state, start });
      },
    );
  });

  test('stat: rubbish', () => {
    holds(
      fc.oneof(text, damaged('1 (ruby) S 2 1 1 0 -1 4194560 1 0 0 0 1 2 3 4 20 0 1 0 77 5 6')),
      (given) => {
        const stat = parseStat(given);
        if (stat) expect([stat.parent, stat.start].every(Number.isInteger)).toBe(true);
      },
    );
  });

  test('status: any users, umask and signals', () => {
    const user = fc.nat({ max: 2 ** 32 - 1 });
    const signals = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    holds(
      user,
      user,
      fc.nat({ max: 0o777 }),
      signals,
      signals,
      (realUser, effectiveUser, umask, ignored, blocked) => {
        const hex = (set: bigint) => set.toString(16).padStart(16, '0');
        const status = [
          'Name:\tx',
          `Umask:\t${umask.toString(8).padStart(4, '0')}`,
          `Uid:\t${realUser}\t${effectiveUser}\t0\t0`,
          `SigBlk:\t${hex(blocked)}`,
          `SigIgn:\t${hex(ignored)}`,
          '',
        ].join('\n');
        const expected = { realUser, effectiveUser, umask, ignoredSignals: ignored, blockedSignals: blocked };
        expect(parseStatus(status)).toEqual(expected);
      },
    );
  });

  test('status: rubbish', () => {
    const right =
      'Name:\tx\nUmask:\t0022\nUid:\t0\t0\t0\t0\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001000\n';
    holds(fc.oneof(text, damaged(right)), (given) => {
      const status = parseStatus(given);
      if (status)
        expect([status.realUser, status.effectiveUser, status.umask].every(Number.isInteger)).toBe(true);
    });
  });

  test('limits: rubbish', () => {
    const right = 'Limit\nMax open files            1024                 524288               files     \n';
    holds(fc.oneof(text, damaged(right)), (given) => {
      expect(() => parseOpenFilesLimit(given)).not.toThrow();
    });
  });

  test('cgroup: rubbish', () => {
    holds(fc.oneof(text, damaged('0::/system.slice/puppet-run.service\n')), (given) => {
      expect(() => parseUnit(given)).not.toThrow();
    });
  });
});

const ancestor: fc.Arbitrary<ProcessSnapshot> = fc.record({
  id: processId,
  parent: fc.nat({ max: 6 }),
  status: fc.record({
    realUser: fc.constantFrom(0, 0, 1000),
    effectiveUser: fc.constantFrom(0, 0, 1000),
    umask: fc.constant(0o22),
    ignoredSignals: fc.constant(0n),
    blockedSignals: fc.constant(0n),
  }),
  image: fc.constantFrom(
    '/usr/bin/ruby3.1',
    '/usr/bin/ruby3.1 (deleted)',
    '/usr/bin/dash',
    '',
  ) as fc.Arbitrary<Bytes>,
  argv: fc.oneof(
    fc.array(word, { maxLength: 4 }),
    fc
      .tuple(fc.constantFrom('apply', 'agent', 'resource'), fc.array(word, { maxLength: 5 }))
      .map(([subcommand, words]) => ['ruby', 'puppet', subcommand, ...words] as Bytes[]),
    fc.constant(['puppet agent: applying configuration', '', ''] as Bytes[]),
  ),
});

describe('runs', { timeout }, () => {
  test('each list of ancestors is a run, or refused in one sentence', () => {
    holds(fc.array(ancestor, { maxLength: 4 }), (ancestry) => {
      let run: Run;
      try {
        run = identifyRun(ancestry, 0);
      } catch (error) {
        expect(error).toBeInstanceOf(Refusal);
        expect(oneLine(error)).toBe((error as Refusal).message);
        return;
      }
      const process = ancestry.find(({ id }) => id === run.process);
      expect(process?.status).toMatchObject({ realUser: 0, effectiveUser: 0 });
      expect(ancestry.some(({ id, argv }) => id === run.source && argv === run.argv)).toBe(true);
    });
  });

  test('arguments: every word belongs to one of them, in order', () => {
    holds(fc.array(word, { maxLength: 8 }), fc.constantFrom('apply', 'agent'), (words, subcommand) => {
      const taken = new Set<number>();
      let last = 0;
      for (const { at, length, value } of parseArguments(words, subcommand)) {
        expect(at).toBeGreaterThanOrEqual(last);
        expect(at + length).toBeLessThanOrEqual(words.length);
        if (typeof value === 'string') expect(words.slice(at, at + length).join(' ')).toContain(value);
        for (let i = at; i < at + length; i += 1) taken.add(i);
        last = at;
      }
      for (const [i, given] of words.entries()) if (!taken.has(i)) expect(given).toBe('--');
    });
  });

  test('interpreter: rubbish, and what it takes apart is put together again', () => {
    holds(fc.array(word, { maxLength: 8 }), (argv) => {
      const parsed = parsePuppetCommandLine(argv);
      if (!parsed) return;
      const named = parsed.subcommand === undefined ? [] : [parsed.subcommand];
      expect([...argv.slice(0, parsed.scriptEnd), ...named, ...parsed.rest]).toEqual(argv);
    });
  });

  /** Options as they come in pairs, so that none is left without its value. */
  const option = fc.constantFrom(
    ['-t'],
    ['--test'],
    ['--onetime'],
    ['-o'],
    ['--no-daemonize'],
    ['--splay'],
    ['--no-splay'],
    ['--noop'],
    ['--job-id', '7'],
    ['--job_id=7'],
    ['--waitforlock', '0'],
    ['--waitforlock=2m'],
    ['--maxwaitforlock', '2m'],
    ['--maxwaitforlock=unlimited'],
    ['--tags', ''],
    ['--tags=--onetime'],
    ['--server', '--splay'],
  );

  test('the rerun of a rerun of an agent is the same command', () => {
    holds(
      fc.array(option, { maxLength: 6 }),
      fc.constantFrom('agent' as const, 'daemon' as const),
      fc.boolean(),
      (options, mode, waits) => {
        const runOf = (words: readonly Bytes[]): Run => {
          const argv = ['ruby', 'puppet', 'agent', ...words] as Bytes[];
          const id = { pid: 1, start: 1 };
          return {
            process: id,
            source: id,
            executable: fromText('/ruby'),
            argv,
            prefix: 3,
            arguments: parseArguments(words, 'agent'),
            mode,
          };
        };
        const once = rerunArguments(runOf(options.flat() as Bytes[]), waits);
        expect(rerunArguments(runOf(once.slice(3)), waits)).toEqual(once);
        expect(parseArguments(once.slice(3), 'agent').some(({ name }) => name === 'job_id')).toBe(false);
      },
    );
  });

  test('`puppet apply` is repeated byte for byte', () => {
    holds(fc.array(word, { maxLength: 8 }), (words) => {
      const argv = ['ruby', 'puppet', 'apply', ...words] as Bytes[];
      const id = { pid: 1, start: 1 };
      const base = { process: id, source: id, executable: fromText('/ruby'), argv, prefix: 3 };
      const run: Run = {
        ...base,
        arguments: parseArguments(words, 'apply'),
        mode: 'apply',
        manifest: undefined,
      };
      expect(rerunArguments(run, true)).toEqual(argv);
    });
  });

  test('a command is described on one line of 200 characters at most', () => {
    holds(fc.array(word, { maxLength: 8 }), (words) => {
      const argv = ['ruby', 'puppet', ...words] as Bytes[];
      const line = describeCommand({ ...record().command, argv });
      expect(line.length).toBeLessThanOrEqual(200);
      expect(line).not.toMatch(/[\n\r]/);
    });
  });
});

describe('environments', { timeout }, () => {
  const name = '1:2:boot';
  const link = fc.record({
    chain: fc.stringMatching(/^[0-9a-f]{1,32}$/),
    link: fc.integer({ min: 1, max: 1e9 }),
  });

  test("a rerun's is the run's less our variables, in its order, and tells its link", () => {
    const variable = fc.oneof(
      item,
      fc.constantFrom('AGAIN_LINK=1', 'AGAIN_CHAIN=x', 'AGAIN_PROCESS=y', 'A=1') as fc.Arbitrary<Bytes>,
    );
    holds(fc.array(variable), link, (environment, given) => {
      const rerun = rerunEnvironment(environment, given, name);
      expect(chainLinkOf(rerun, name)).toEqual(given);
      expect(chainLinkOf(rerun, `${name}x`)).toBeUndefined();
      const others = environment.filter((entry) => !/^AGAIN_(LINK|CHAIN|PROCESS)=/.test(entry));
      expect(rerun.slice(0, -3)).toEqual(others);
      expect(rerunEnvironment(rerun, given, name)).toEqual(rerun);
    });
  });

  test('chain variables: rubbish', () => {
    const variable = fc.oneof(
      item,
      damaged('AGAIN_LINK=1'),
      damaged('AGAIN_CHAIN=c0ffee'),
    ) as fc.Arbitrary<Bytes>;
    holds(fc.array(variable), (environment) => {
      const found = chainLinkOf([...environment, fromText(`AGAIN_PROCESS=${name}`)], name);
      if (found) expect(Number.isSafeInteger(found.link) && found.link > 0 && found.chain !== '').toBe(true);
    });
  });

  test('Node gets an environment only when that is exactly it', () => {
    holds(
      fc.array(fc.oneof(item, fc.constantFrom('A=1', 'B=', '7=x', '__proto__=1') as fc.Arbitrary<Bytes>)),
      (environment) => {
        const variables = textEnvironment(environment);
        if (!variables) return;
        expect(Object.entries(variables).map(([key, value]) => fromText(`${key}=${value}`))).toEqual(
          environment,
        );
      },
    );
  });

  test('Node gets arguments only when that is exactly them', () => {
    holds(fc.array(item), (argv) => {
      expect(textArguments(argv)?.map(fromText) ?? argv).toEqual(argv);
    });
  });

  test('Ruby is told arguments and environment byte for byte, in pieces that Linux takes', () => {
    const long = fc.integer({ min: 70_000, max: 150_000 }).map((length) => 'x'.repeat(length) as Bytes);
    const list = fc.array(fc.oneof({ weight: 40, arbitrary: item }, { weight: 1, arbitrary: long }), {
      maxLength: 5,
    });
    const surroundings = {
      environment: [],
      umask: 0,
      openFiles: undefined,
      ignoredSignals: '0',
      blockedSignals: '0',
    };
    holds(list, list, (argv, environment) => {
      const ruby = throughRuby(fromText('/ruby'), argv, environment, surroundings);
      const told = (prefix: string) => {
        const pieces = Array.from({ length: 100 }, (_, i) => ruby.environment[`${prefix}_${i}`] ?? '');
        return splitAtNul(fromBuffer(Buffer.from(pieces.join(''), 'base64')));
      };
      expect(told('AGAIN_ARGV')).toEqual(argv);
      expect(told('AGAIN_ENVIRON')).toEqual(environment);
      for (const value of Object.values(ruby.environment))
        expect(value.length).toBeLessThan(128 * 1024 - 100);
    });
  });
});

describe('files and lines', { timeout }, () => {
  test('a condition comes back as it was written', () => {
    const line = fc.string({ unit: 'binary', minLength: 1 }).filter((value) => !value.includes('\0'));
    const condition = fc.record({
      exists: fc.array(
        line.map((value) => `/${value.replaceAll('\n', '')}`),
        { minLength: 1, maxLength: 3 },
      ),
      connects: fc.array(fc.constantFrom('db:1', '[::1]:65535'), { maxLength: 2 }),
      succeeds: fc.oneof(line, fc.array(line, { minLength: 1, maxLength: 4 })),
      sensitive: fc.boolean(),
      interval: fc.integer({ min: 1, max: 3600 }),
      timeout: fc.integer({ min: 1, max: 315_360_000 }),
      onTimeout: fc.constantFrom('run' as const, 'drop' as const),
    });
    holds(condition, (given) => {
      expect(parseCondition(formatCondition(given))).toEqual(given);
    });
  });

  test('a damaged condition is a whole one or none', () => {
    const right =
      '{"exists":["/a"],"connects":["db:1"],"succeeds":["x"],"sensitive":true,"interval":5,"timeout":60,"onTimeout":"run"}';
    holds(fc.oneof(text, damaged(right)), (given) => {
      const parsed = parseCondition(given);
      if (!parsed) return;
      expect(parsed.exists.every((path) => path.startsWith('/'))).toBe(true);
      expect(parsed.connects.every((endpoint) => parseEndpoint(endpoint) !== undefined)).toBe(true);
      expect(parsed.interval).toBeGreaterThan(0);
    });
  });

  const someRecord: fc.Arbitrary<CommandRecord> = fc
    .record({
      entries: mixedEntries,
      waiter: processId,
      run: processId,
      argv: fc.array(item),
      directory: item,
      chain: fc.stringMatching(/^[0-9a-f]{1,32}$/),
    })
    .map(({ argv, directory, ...rest }) =>
      record({ ...rest, command: { ...record().command, argv, directory } }),
    );

  test('a record comes back as it was written', () => {
    holds(someRecord, (given) => {
      expect(parseRecord(JSON.stringify(given))).toEqual(given);
    });
  });

  test('a damaged record is a whole one or none', () => {
    holds(damaged(JSON.stringify(record())), (content) => {
      const parsed = parseRecord(content);
      if (parsed) expect(parsed.entries.every(({ wait, link }) => wait >= 0 && link > 0)).toBe(true);
    });
  });

  test('a record with another value anywhere is a whole one or none', () => {
    const paths = [
      'version',
      'boot',
      'command',
      'waiter',
      'run',
      'chainKey',
      'chain',
      'log',
      'entries',
      'puppet',
    ];
    holds(fc.constantFrom(...paths), fc.jsonValue(), (key, value) => {
      const parsed = parseRecord(JSON.stringify({ ...record(), [key]: value }));
      if (!parsed) return;
      for (const field of ['boot', 'chainKey', 'chain', 'log'] as const)
        expect(typeof parsed[field]).toBe('string');
      expect(Array.isArray(parsed.entries) && Array.isArray(parsed.command.argv)).toBe(true);
    });
  });

  test.each<[string, (content: string) => unknown]>([
    ['a record', parseRecord],
    ['a past rerun', parsePastRerun],
    ['a verdict', parseVerdict],
    ['a delta', parseDelta],
    ['puppet.conf', parseConfig],
    ["Puppet's report", parseReport],
    ['what systemctl says', parseProperties],
  ])('%s: rubbish', (_, parse) => {
    holds(fc.oneof(text, fc.json()), (content) => {
      expect(() => parse(content)).not.toThrow();
    });
  });

  test('again.json: settings within their bounds, or a refusal in one sentence', () => {
    const right = { puppet_version: '7.23.0', burst: 10, max_delay: 1800, limit: null, splay: 0 };
    const changed = fc
      .tuple(fc.constantFrom(...Object.keys(right)), fc.jsonValue())
      .map(([key, value]) => JSON.stringify({ ...right, [key]: value }));
    holds(fc.oneof(text, fc.json(), damaged(JSON.stringify(right)), changed), (content) => {
      try {
        const { burst, maxDelay, limit, splay } = parseSettings(content, '/x');
        expect([burst, maxDelay, limit ?? 1, splay].every((n) => Number.isInteger(n) && n >= 0)).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(Refusal);
        expect(oneLine(error)).toBe((error as Refusal).message);
      }
    });
  });

  test('requests come back from the command line', () => {
    const request = fc.record({
      name: fc.option(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter(isName), {
        nil: undefined,
      }),
      delta: fc.nat({ max: 315_360_000 }),
      startTimerNow: fc.boolean(),
    });
    holds(request, fc.integer({ min: 1 }), (given, parent) => {
      expect(parseCanonical([...canonicalArguments(given), '--parent', String(parent)])).toMatchObject({
        ...given,
        parent,
      });
    });
  });

  test('command lines: rubbish', () => {
    const part = fc.oneof(
      fc.string(),
      fc.constantFrom('--name', '--delta', '--parent', '--start-timer-now', '5', '-1', '9e9'),
    );
    holds(fc.array(part), (args) => {
      const parsed = parseCanonical(args);
      if (parsed)
        expect(
          parsed.delta >= 0 && parsed.parent > 0 && (parsed.name === undefined || isName(parsed.name)),
        ).toBe(true);
    });
  });

  test('verdicts come back', () => {
    holds(fc.nat({ max: 255 }), fc.string(), (exitCode, said) => {
      expect(parseVerdict(`${exitCode} ${said}\n`)).toEqual({ exitCode, text: said });
    });
  });
});
