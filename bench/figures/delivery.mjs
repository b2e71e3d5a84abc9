// What it costs to have the executable on a node: a real agent against a real Puppet Server, each way of delivery beside the others.
//
// `npm run bench -- delivery`. Needs root, and Debian's puppet-agent and puppetserver.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../scripts/project.mjs';
import { serveFolder } from '../../spec/support/machine/file-server.ts';
import { thisMachine } from '../../spec/support/machine/local.ts';
import { startServer } from '../../spec/support/machine/server.ts';
import { executableName, openSession } from '../../spec/support/machine/session.ts';
import { commOf, cpuOf } from '../processes.mjs';
import { median } from '../statistics.mjs';
import { askForCatalogs } from './catalogs.mjs';

const puppet = { command: '/usr/bin/puppet', waitsForLock: true };

/** What every catalog has: a class with its parameter in Hiera, as all sites have some. What is measured comes on top of it. */
const base = (folder) => `class site(String $content) { file { '${folder}/some-file': content => $content } }
include site
`;
const data = 'site::content: x\ncommon::again::symlink: false\n';
const bare = (folder, more = '') =>
  `file { '${folder}/executable': mode => '0754', source => 'puppet:///modules/common/again/${executableName}'${more} }\n`;

const nothing = () => '';
const module = () => 'include common::again\n';

/**
 * Every way that was tried, with the manifest that it adds to a catalog. The server keeps what it has read of an environment (`environment_timeout =
 * unlimited`), as Puppet advises for production, but for those that are read anew for each catalog.
 */
const ways = {
  without: { manifest: nothing },
  module: { manifest: module },
  url: { manifest: (_, url) => `class { 'common::again': source => '${url}' }\n` },
  lite: { manifest: (folder) => bare(folder, ", checksum => 'sha256lite'") },
  naive: { manifest: (folder) => bare(folder) },
  withoutAnew: { manifest: nothing, timeout: '0' },
  moduleAnew: { manifest: module, timeout: '0' },
};

const titles = {
  module: 'packed, in this module (what it does)',
  url: 'packed, from a URL (`source`)',
  lite: 'bare, `checksum => sha256lite`',
  naive: 'bare, a `file` with the default checksum',
  moduleAnew: 'packed, in this module, with `environment_timeout = 0`',
};

/** Catalogs of each way before any is measured: JRuby's and Java's compilers have done most of their work then. */
const warmUp = 500;

/**
 * Measures all ways in one run.
 *
 * @param options.rounds later runs of each way, one way after the other, so that what disturbs one disturbs all
 * @returns rows for the table of figures, and a section of Markdown that compares the ways
 */
export async function measureDelivery({ rounds = 20 } = {}) {
  const session = await openSession();
  let files;
  try {
    const folder = join(session.root, 'server');
    const server = await startServer(thisMachine, puppet, folder, session.module, 'many catalogs');
    files = await serveFolder(join(session.module, 'files/again'));
    const place = { session, server, files };
    const nodes = {};
    for (const way of Object.keys(ways)) nodes[way] = await makeNode(place, way);
    const first = {};
    for (const [way, node] of Object.entries(nodes)) first[way] = await deliver(place, node);
    const later = await repeat(place, nodes, rounds);
    const figures = Object.keys(titles).map((way) => compare(way, first, later));
    return { rows: rowsOf(figures), section: sectionOf(figures, rounds) };
  } finally {
    files?.close();
    await session.close();
  }
}

/** A node of its own for a way: folders of the agent, and an environment of the server. */
async function makeNode({ session, server, files }, way) {
  const folder = join(session.root, `node-${way}`);
  const at = (name) => join(folder, name);
  for (const name of ['conf', 'base', 'var', 'log', 'run', 'public'])
    mkdirSync(at(name), { recursive: true });
  execFileSync('cp', ['-a', server.agentSsl, at('ssl')]);
  const settings = {
    ...Object.fromEntries(['var', 'log', 'run', 'ssl'].map((name) => [`${name}dir`, at(name)])),
    publicdir: at('public'),
    certname: server.certname,
    server: 'localhost',
    serverport: server.port,
    environment: way,
    report: false,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
  writeFileSync(at('conf/puppet.conf'), `[main]\n${lines.join('')}`);
  const { manifest, timeout = 'unlimited' } = ways[way];
  await server.environment(way, base(folder), data);
  const node = { folder, way };
  await runAgent(node); // brings what all catalogs have, and the plugins
  await server.environment(way, base(folder) + manifest(folder, files.url), data, timeout);
  return node;
}

/** One run of an agent: seconds of `Applied catalog in`. */
async function runAgent({ folder }) {
  const words = [
    'agent',
    '--onetime',
    '--no-daemonize',
    '--verbose',
    '--color=false',
    '--confdir',
    join(folder, 'conf'),
  ];
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: folder,
    FACTER_puppet_vardirtmp: join(folder, 'base'),
  };
  const { stdout, stderr } = await thisMachine.exec({ argv: [puppet.command, ...words], env, cwd: folder });
  const seconds = /Applied catalog in ([\d.]+) seconds/.exec(stdout)?.[1];
  if (seconds === undefined || /^Error: \/Stage/m.test(stderr))
    throw new Failure(`the agent has failed: ${stdout}${stderr}`);
  return Number(seconds);
}

/** The first delivery: seconds, bytes that the servers sent, bytes on the disk. */
async function deliver(place, node) {
  const before = await sent(place);
  const seconds = await runAgent(node);
  return { seconds, bytes: (await sent(place)) - before, disk: await diskOf(node.folder) };
}

/** All that both servers have sent so far. */
async function sent({ server, files }) {
  const requests = await server.requests();
  return requests.reduce((sum, { bytes }) => sum + bytes, files.sent());
}

/** What a delivery leaves on a node. */
async function diskOf(folder) {
  const kept = ['base', 'executable'].map((name) => join(folder, name));
  const { stdout } = await thisMachine.exec({ argv: ['/usr/bin/du', '-sc', '--block-size=1', ...kept] });
  return Number(/^(\d+)\ttotal$/m.exec(stdout)[1]);
}

/** Runs with nothing to do: by way, seconds of each on the node and of the server's CPU. */
async function repeat({ server }, nodes, rounds) {
  const runs = Object.fromEntries(Object.keys(nodes).map((way) => [way, { seconds: [], cpu: [] }]));
  const facts = JSON.parse(
    execFileSync('facter', ['--json', 'kernel', 'os', 'identity'], { encoding: 'utf8' }),
  );
  for (const way of Object.keys(nodes)) await askForCatalogs(server, way, facts, warmUp);
  for (const node of Object.values(nodes)) await runAgent(node);
  for (let round = 0; round < rounds; round += 1) {
    for (const [way, node] of Object.entries(nodes)) {
      const before = serverCpuOf(server.pid);
      runs[way].seconds.push(await runAgent(node));
      runs[way].cpu.push(serverCpuOf(server.pid) - before);
    }
  }
  return runs;
}

/** Seconds of CPU that a server has had, but for those of Java's compilers, which have an end when they have seen the same catalog often enough. */
function serverCpuOf(pid) {
  const threads = readdirSync(`/proc/${pid}/task`).map((tid) => `${pid}/task/${tid}`);
  const compilers = threads.filter((thread) => /^C[12] Compiler/.test(commOf(thread)));
  return compilers.reduce((rest, thread) => rest - cpuOf(thread), cpuOf(pid)) / 1000;
}

function compare(way, first, later) {
  const without = ways[way].timeout === '0' ? 'withoutAnew' : 'without';
  const less = (of) => of(way) - of(without);
  return {
    way,
    bytes: less((one) => first[one].bytes),
    delivery: less((one) => first[one].seconds),
    disk: less((one) => first[one].disk),
    added: less((one) => median(later[one].seconds)),
    cpu: less((one) => mean(later[one].cpu)),
  };
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
const milliseconds = (seconds) => `${(seconds * 1000).toFixed(0)} ms`;

/** For the table of figures: what this module does first, which the others are compared with. */
function rowsOf(figures) {
  const rows = (figure, budget, number, show) =>
    figures.map((one, index) => ({
      figure,
      what: titles[one.way],
      value: show(one),
      ratio: number(one) / number(figures[0]),
      budget: index === 0 ? budget : '',
    }));
  return [
    ...rows(
      'added to a run with nothing to do',
      '<= 50 ms',
      ({ added }) => added,
      ({ added }) => milliseconds(added),
    ),
    ...rows(
      'server CPU of a run with nothing to do',
      '<= 10 ms',
      ({ cpu }) => cpu,
      ({ cpu }) => milliseconds(cpu),
    ),
    ...rows(
      'first delivery to a node',
      '<= 42 MB',
      ({ bytes }) => bytes,
      ({ bytes, delivery }) => `${megabytes(bytes)} in ${delivery.toFixed(1)} s`,
    ),
    ...rows(
      'disk on the node',
      '<= 130 MB',
      ({ disk }) => disk,
      ({ disk }) => megabytes(disk),
    ),
  ];
}

function sectionOf(figures, rounds) {
  const lines = figures.map(({ way, bytes, delivery, added, cpu, disk }) => {
    const cells = [
      titles[way],
      megabytes(bytes),
      `${delivery.toFixed(1)} s`,
      milliseconds(added),
      milliseconds(cpu),
      megabytes(disk),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return `## Ways to deliver the executable

${rounds} later runs of each way, one way after the other, of a real agent against a real Puppet Server; medians of \`Applied catalog in\`, means of the
server's CPU (utime and stime of its process, but for Java's compilers), after ${warmUp} catalogs of each way. All figures are what the way adds to the same catalog without it.

| way | bytes | first delivery | later run | server CPU of a later run | disk |
| --- | --- | --- | --- | --- | --- |
${lines.join('\n')}

Damage that leaves size, inode and times as they were is found by none of these runs but the naive one's: for the others, \`again verify\` and a start
that fails take the full hash. With \`checksum => sha256lite\`, damage beyond the first 512 bytes is never found, not even where the size is another one.
`;
}
