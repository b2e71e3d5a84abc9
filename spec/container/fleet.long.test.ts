import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Network, openNetwork } from '../support/container/network.ts';
import { type FleetAgent, openFleetAgent } from '../support/fleet/agent.ts';
import { places, SERVER } from '../support/fleet/names.ts';
import { type FleetServer, openFleetServer, START_MS, startServer } from '../support/fleet/server.ts';
import { shownBelow } from '../support/howto.ts';
import { until } from '../support/wait.ts';

/** The queries, as the page shows them. */
const page = readFileSync(new URL('../../docs/FLEET.md', import.meta.url), 'utf8');
const queries = [...page.matchAll(/^```pql\n(.*?)\n```$/gms)].map((match) => match[1] ?? '');

const [failed = '', held = ''] = shownBelow('Be told of a failed rerun', 'pql');

const [peerHasExported = ''] = shownBelow('As soon as a peer has exported', 'sh');

const minutes = (count: number) => ({ seconds: 60 * count });

/** On a machine that has much else to do. */
const patience = { timeout: 15 * 60_000 };

/** A Puppet Server with PuppetDB, and two hosts whose Puppet is started by hand; the second one applies no catalog of an earlier run. */
describe('a fleet', () => {
  let network: Network;
  let server: FleetServer;
  let cached: FleetAgent;
  let strict: FleetAgent;

  beforeAll(async () => {
    network = await openNetwork();
    server = await openFleetServer(network);
    const [first, second] = places(2);
    if (!first || !second) throw new Error('no places');
    [cached, strict] = await Promise.all([
      openFleetAgent(network, first),
      openFleetAgent(network, second, ['usecacheonfailure = false']),
    ]);
  });

  afterAll(async () => {
    await Promise.all([cached, strict, server].map((one) => one?.box.powerOff()));
    await network?.close();
  });

  it('has a PuppetDB that knows who still converges, since when, and at which link', patience, async () => {
    const [who = '', waiting = ''] = queries;
    await server.serve(
      `include common::again
common::again::delta { 'peers': delta => 3600 }
if $trusted['certname'] == 'node1.example.test' {
  $then = $facts['again'] ? {
    Hash    => $facts['again']['chain'] ? { 0 => Exec['again'], default => Common::Again::Delta['peers'] },
    default => Exec['again'],
  }
  notify { 'not done': notify => $then }
}
`,
      '',
    );
    await Promise.all([run(cached), run(strict)]);
    const pending = await until(
      'the second link',
      async () => (await status(cached)).find(isSecondLink),
      minutes(5),
    );
    expect(pending).toMatchObject({ name: 'peers' });

    const began = await history(cached);
    expect(await answer(() => server.query(who))).toEqual([
      {
        certname: 'node1.example.test',
        'facts.again.chain': 1,
        'facts.again.since': began[0]?.start,
        'facts.again.last_rerun.names': ["Exec['again']"],
      },
    ]);
    expect(await server.query(waiting)).toEqual([]);

    // An ordinary run between two reruns knows what waits.
    await run(cached);
    expect(await answer(() => server.query(waiting))).toEqual([
      {
        certname: 'node1.example.test',
        'facts.again.pending': [
          { name: 'peers', kind: 'timer', due: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}Z$/) },
        ],
      },
    ]);
    await Promise.all([cached, strict].map(({ box }) => box.exec(['again', 'cancel', '--all'])));

    // It is done: an ordinary run changes nothing.
    await server.serve('include common::again\n', '');
    await run(cached);
    await until('nobody to converge', async () => (await server.query(who)).length === 0, minutes(1));
    expect(await server.query(waiting)).toEqual([]);
  });

  it('has a PuppetDB that knows whose newest rerun failed, and who is held', patience, async () => {
    expect(await server.query(failed)).toEqual([]);
    expect(await server.query(held)).toEqual([]);
    await server.serve(
      `include common::again
$link = $facts['again'] ? { Hash => $facts['again']['chain'], default => 0 }
if $trusted['certname'] == 'node1.example.test' {
  if $link == 0 { notify { 'not done': notify => Exec['again'] } } else { exec { '/bin/false': } }
}
`,
      '',
    );
    const before = (await history(cached)).length;
    await run(cached);
    await until('the rerun', async () => (await history(cached)).at(-1)?.result === 'failed', minutes(3));
    expect((await history(cached)).length).toBe(before + 1);
    await cached.box.exec(['again', 'hold', '--for', '1h', 'database upgrade']);
    await server.serve('include common::again\n', '');
    await run(cached);
    const certname = 'node1.example.test';
    expect(await answer(() => server.query(failed))).toEqual([
      { certname, 'facts.again.last_rerun.start': expect.stringMatching(/^\d{4}-.*Z$/) },
    ]);
    expect(await answer(() => server.query(held))).toEqual([
      {
        certname,
        'facts.again.hold.until': expect.stringMatching(/^\d{4}-.*Z$/),
        'facts.again.hold.reason': 'database upgrade',
      },
    ]);
    await cached.box.exec(['again', 'release']);
    await run(cached);
    await until('nobody to be held', async () => (await server.query(held)).length === 0, minutes(1));
  });

  it('whose hosts know by the script of HOWTO that a peer has exported', patience, async () => {
    const script = '/usr/local/sbin/peer-has-exported';
    expect(peerHasExported).toContain('https://puppetdb.example.com:8081/');
    cached.box.writeFile(script, peerHasExported.replace('puppetdb.example.com', SERVER.name), 0o755);
    const ask = async (...words: string[]) =>
      (await cached.box.exec([script, ...words], { check: false })).code;
    await server.serve("if $trusted['certname'] == 'node2.example.test' { @@notify { 'ready': } }\n", '');
    await run(cached); // with it, the host has its certificate
    expect(await ask('node2.example.test', 'Notify')).toBe(1);
    await run(strict);
    await until(
      "the peer's export",
      async () => (await ask('node2.example.test', 'Notify')) === 0,
      minutes(1),
    );
    expect(await ask('node2.example.test', 'Cluster::Member'), 'another type').toBe(1);
    expect(await ask('node1.example.test', 'Notify'), 'another host').toBe(1);
  });

  it(
    'that loses its server: a chain goes on with cached catalogs, or ends until the next ordinary run',
    patience,
    async () => {
      await server.serve(
        `include common::again
common::again::delta { 'more': delta => 20 }
exec { '/bin/true': notify => Common::Again::Delta['more'] }
`,
        '',
      );
      const before = (await history(strict)).length;
      await Promise.all([run(cached), run(strict)]);
      await server.box.exec(['systemctl', 'stop', 'puppetserver']);

      // Without a catalog nothing is notified, and nothing stays behind.
      await until(
        'the rerun that fails',
        async () => (await history(strict)).length === before + 1,
        minutes(3),
      );
      await until(
        'its end',
        async () => (await history(strict)).every(({ result }) => result !== 'running'),
        minutes(3),
      );
      expect(await status(strict)).toEqual([]);

      // With the catalog of the last run the chain continues, one link after the other.
      const links = async () => (await history(cached)).at(-1)?.link ?? 0;
      await until('two reruns without a server', async () => (await links()) >= 2, minutes(5));
      expect((await history(strict)).length).toBe(before + 1);

      await startServer(server.box);
      const back = await links();
      await until('a rerun with the server', async () => (await links()) > back, minutes(5));
      const seen = () =>
        server.query<{ cached_catalog_status: string }>(
          'reports[cached_catalog_status] { certname = "node1.example.test" and latest_report? = true }',
        );
      await until(
        'a report of a run with a new catalog',
        async () => (await seen())[0]?.cached_catalog_status === 'not_used',
        minutes(3),
      );

      // The next ordinary run of the other one brings back the lost notification.
      await run(strict);
      expect(await status(strict)).toMatchObject([{ name: 'more', link: 1 }]);
      await Promise.all([cached, strict].map(({ box }) => box.exec(['again', 'cancel', '--all'])));
    },
  );

  it(
    'whose hosts wait for each other by events: a peer that never comes, PuppetDB away, the server away, and a late peer',
    patience,
    async () => {
      const cluster = (more: string) =>
        server.serve('include cluster\n', `cluster::size: 2\ncluster::interval: 1\n${more}`);
      const told = (line: RegExp) =>
        until(
          `${line} in the journal`,
          async () =>
            line.test((await cached.box.exec(['journalctl', '--identifier=again', '--output=cat'])).stdout),
          minutes(1),
        );
      const isWaiting = async () => (await status(cached))[0]?.condition;

      // A peer that never comes: when the time is over, the rerun is dropped, or starts anyway.
      await cluster('cluster::timeout: 5\ncluster::on_timeout: drop\n');
      await run(cached);
      const before = (await history(cached)).length;
      await until('the end of the wait', async () => (await status(cached)).length === 0, minutes(1));
      await told(/^dropped: cluster: the next state: not true within 5 s: /m);
      await cluster('cluster::timeout: 5\n');
      await run(cached);
      await until(
        'a rerun without the peer',
        async () => (await history(cached)).length > before,
        minutes(3),
      );
      await told(/^timed out: cluster: the next state: not true within 5 s: .*; it runs all the same$/m);
      await cached.box.exec(['again', 'cancel', '--all']);

      // PuppetDB is away: what can't be told starts nothing.
      await cluster('');
      await run(cached);
      const { length: reruns } = await history(cached);
      const looks = async () => (await isWaiting())?.looks ?? 0;
      await until('looks', async () => (await looks()) >= 2, minutes(1));
      await server.box.exec(['systemctl', 'stop', 'puppetdb']);
      const seen = await looks();
      await until('looks without PuppetDB', async () => (await looks()) >= seen + 3, minutes(1));
      expect(await isWaiting()).toMatchObject({ met: false });
      await server.box.exec(['systemctl', 'start', 'puppetdb'], { timeoutMs: START_MS });
      expect(await history(cached)).toHaveLength(reruns);

      // The server is away: PuppetDB knows what the next state needs, and still no run is started.
      await signal(cached, 'STOP');
      await cluster('cluster::reruns: none\n');
      await run(strict);
      await cluster('');
      await server.box.exec(['systemctl', 'stop', 'puppetserver']);
      await signal(cached, 'CONT');
      const known = await looks();
      await until('looks without the server', async () => (await looks()) >= known + 3, minutes(1));
      expect(await isWaiting()).toMatchObject({ met: false });
      expect(await history(cached)).toHaveLength(reruns);
      await startServer(server.box);

      // The peer has come late: each finds the other without anybody's help.
      await run(strict);
      const state = async ({ box }: FleetAgent) =>
        (await box.exec(['cat', '/etc/cluster/cluster.conf'])).stdout;
      for (const host of [cached, strict]) {
        await until(host.host, async () => (await state(host)).includes('state = configured'), minutes(5));
        await until('the end of its chain', async () => (await status(host)).length === 0, minutes(1));
        expect(await state(host)).toContain('nodes = node1.example.test node2.example.test');
      }
      expect((await history(cached)).length - reruns).toBeLessThanOrEqual(4);
    },
  );

  it(
    'whose host reboots: its daemon, which is enabled, comes back, and its run takes the place of the rerun that was lost',
    patience,
    async () => {
      await server.serve(
        `include common::again
common::again::delta { 'later': delta => 3600 }
exec { '/bin/true': notify => Common::Again::Delta['later'] }
`,
        '',
      );
      const hasApplied = async () => {
        const { stdout } = await strict.box.exec('journalctl --boot --unit=puppet --output=cat'.split(' '));
        return stdout.includes('Applied catalog in');
      };
      await strict.startDaemon();
      await until("the daemon's run", hasApplied, minutes(5));
      const [before] = await status(strict);
      expect(before).toMatchObject({ name: 'later' });

      await strict.box.reboot();
      await until("the daemon's run after the boot", hasApplied, minutes(5));
      expect((await history(strict)).at(-1)?.result).toBe('not run: lost: the machine was rebooted');
      const pending = await status(strict);
      expect(pending).toMatchObject([{ name: 'later' }]);
      expect(pending[0]?.since).not.toBe(before?.since);
      await strict.box.exec(['systemctl', 'disable', '--now', 'puppet']);
      await strict.box.exec(['again', 'cancel', '--all']);
    },
  );

  /** Asks until there is an answer: PuppetDB takes in what it is sent some time later. */
  function answer<T>(ask: () => Promise<T[]>): Promise<T[]> {
    return until(
      'an answer of PuppetDB',
      async () => {
        const answer = await ask();
        return answer.length > 0 ? answer : undefined;
      },
      minutes(1),
    );
  }
});

/** The one that waits for an hour; the run that asked for it has ended. */
function isSecondLink({ link, waitsFor }: Pending): boolean {
  return link === 2 && waitsFor.kind === 'timer';
}

/** Sends a signal to the host's waiter. */
async function signal(agent: FleetAgent, name: string): Promise<void> {
  const [waiting] = await status(agent);
  await agent.box.exec(['sh', '-c', `kill -${name} ${waiting?.pid}`]);
}

async function run({ box }: FleetAgent): Promise<void> {
  const words = 'puppet agent --onetime --no-daemonize --verbose --color=false --waitforlock 2'.split(' ');
  const { stdout, stderr } = await box.exec(words, { timeoutMs: 5 * 60_000 });
  expect(stdout, stderr).toContain('Applied catalog in');
}

interface Pending {
  readonly name: string;
  readonly since: string;
  readonly pid: number;
  readonly waitsFor: { readonly kind: string };
  readonly condition?: { readonly met: boolean; readonly looks: number };
  readonly link: number;
}

interface Past {
  readonly link: number;
  readonly start: string;
  readonly result: string;
}

async function again<T>({ box }: FleetAgent, command: string): Promise<T> {
  return JSON.parse((await box.exec(['again', command, '--json'])).stdout);
}

const status = (agent: FleetAgent) => again<Pending[]>(agent, 'status');
const history = (agent: FleetAgent) => again<Past[]>(agent, 'history');
