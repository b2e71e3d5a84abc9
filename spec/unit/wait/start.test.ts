import { describe, expect, test } from 'vitest';
import { fromText } from '../../../src/os/bytes.ts';
import { WaiterProcess, type Wishes } from './waiters.ts';

const OTHER_LOG = '20261122T080911Z-abcdef.log';

const blocked = (kind: string) => ({ kind: 'blocked', blocker: { kind } });
const lookAgain = { kind: 'look again' };

describe.concurrent('a rerun that is due', () => {
  test('starts: the record goes, and the log, the history and the journal have it', async () => {
    const waiter = new WaiterProcess({ entries: [[1000, { name: 'n', link: 3 }]] });
    expect(await waiter.end()).toBeUndefined();
    const began = expect.stringMatching(/^started: n: runs .*agent -t, rerun 3 in a row, output to /);
    expect(waiter.journal).toEqual([began]);
    expect(waiter.log()).toMatch(/^again: \S+ runs .*agent -t\nran agent -t, A=1, link 3 of c0ffee\n$/);
    const past = expect.objectContaining({ failure: null, names: ['n'], chain: 'c0ffee', link: 3 });
    expect(waiter.history).toEqual([past]);
    expect(waiter.files.filter((name) => /aa\.json$|\.starting$|\.tmp$/.test(name))).toEqual([]);
  });

  test('takes all with it that is due: the highest link counts, and each log that was announced is its log', async () => {
    const [a, b] = [
      { name: 'a', link: 2 },
      { name: 'b', link: 4, log: OTHER_LOG },
    ];
    const waiter = new WaiterProcess({
      entries: [
        [1000, a],
        [500, b],
      ],
    });
    expect(await waiter.end()).toBeUndefined();
    expect(waiter.journal).toEqual([expect.stringMatching(/^started: a, b: /)]);
    expect(waiter.log()).toContain('link 4 of c0ffee');
    expect(waiter.log(OTHER_LOG)).toBe(waiter.log());
  });
});

describe.concurrent('a rerun does not start, and all is as it was,', () => {
  const later = { name: 'later', wait: 90_000 };
  test.each<[string, Wishes, object]>([
    ['where another process is the waiter', { record: { waiter: { pid: 1, start: 1 } } }, lookAgain],
    ['before it is due', { entries: [[0, later]] }, lookAgain],
    [
      'in the grace time of a run that has asked for something later',
      { entries: [[1000], [0, { ...later, grace: 60_000 }]] },
      lookAgain,
    ],
    ['during a hold', { isHeld: true }, blocked('hold')],
    ['while another rerun is about to start', { otherStarts: true }, blocked('start')],
    ['where that of another waiter is due longer', { otherDue: 2000 }, blocked('turn')],
    ['while another run is going', { runAtLook: 1 }, blocked('run')],
  ])('%s', async (_, wishes, attempt) => {
    const waiter = new WaiterProcess(wishes);
    expect(await waiter.end()).toMatchObject({ attempt, changed: [] });
    expect(waiter.journal).toEqual([]);
  });

  test('where a run has begun while the start was prepared', async () => {
    const waiter = new WaiterProcess({ runAtLook: 2 }, { 'start.logged': 'wait 50' });
    expect(await waiter.end()).toMatchObject({ attempt: blocked('run'), changed: [] });
    expect(waiter.journal).toEqual([]);
  });

  test.each(['lock.linked', 'start.logged', 'file.written', 'start.noted'])(
    'where the disk is full at %s',
    async (point) => {
      const waiter = new WaiterProcess({}, { [point]: 'throw ENOSPC' });
      expect(await waiter.end()).toEqual({ error: `ENOSPC: injected at ${point}`, changed: [] });
      expect(waiter.journal).toEqual([]);
    },
  );

  test('where no process can be started that keeps what is due later', async () => {
    const waiter = new WaiterProcess({ entries: [[1000], [0, later]] });
    const error = 'no process could be started for what is due later';
    expect(await waiter.end()).toEqual({ error, changed: [] });
    expect(waiter.journal).toEqual([]);
  });
});

describe.concurrent('a rerun that was taken out of the record is told as failed', () => {
  const manifest = fromText('/nonexistent/site.pp');
  test.each<[string, Wishes, Record<string, string>, string]>([
    ['at a failure', {}, { 'start.taken': 'throw ENOMEM' }, 'ENOMEM: injected at start.taken'],
    ['at one in the last moment', {}, { 'start.becoming': 'throw EIO' }, 'EIO: injected at start.becoming'],
    [
      'where its manifest is gone',
      { context: { manifest } },
      {},
      'the manifest /nonexistent/site.pp is gone',
    ],
    [
      'where its interpreter is gone',
      { program: '/nonexistent' },
      {},
      "Puppet's interpreter /nonexistent is gone",
    ],
  ])('%s', async (_, wishes, faults, failure) => {
    const waiter = new WaiterProcess(wishes, faults);
    expect(await waiter.end()).toMatchObject({ attempt: { kind: 'over' } });
    expect(waiter.journal.at(-1)).toBe(`failed: Exec['again']: ${failure}`);
    expect(waiter.log().split('\n').slice(1)).toContain(`again: not run: ${failure}`);
    expect(waiter.history).toEqual([expect.objectContaining({ failure })]);
    expect(waiter.files.filter((name) => /aa\.|starting|\.tmp$/.test(name))).toEqual([]);
  });

  test('and as cancelled after a signal', async () => {
    const waiter = new WaiterProcess({ cancelled: true });
    expect(await waiter.end()).toMatchObject({ attempt: { kind: 'over' } });
    expect(waiter.journal).toEqual(["cancelled: Exec['again']: cancelled"]);
    expect(waiter.log().split('\n').slice(1)).toContain('again: not run: cancelled');
    expect(waiter.history).toEqual([expect.objectContaining({ failure: 'cancelled' })]);
  });
});
