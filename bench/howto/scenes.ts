import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/project.mjs';
import { generations } from '../../spec/matrix/generations.ts';
import { openBuilder } from '../../spec/support/container/builder.ts';
import { openbolt } from '../../spec/support/container/openbolt.ts';
import { shownBelow } from '../../spec/support/howto.ts';
import { until } from '../../spec/support/wait.ts';
import { inLines, linesOf, type Machine, type Page, withMachine } from './record.ts';

/** Consoles that one machine records, in an order in which one leads to the next. */
export interface Scene {
  readonly title: string;
  /** The consoles of each heading, by their number below it. */
  readonly consoles: Readonly<Record<string, readonly number[]>>;
  play(page: Page): Promise<void>;
}

/** Consoles with commands alone: what they print depends on the reader's machine, or is nothing. */
export const notRecorded: Scene['consoles'] = { 'Stop it': [1], 'Deploy it': [0] };

const debian12 = { system: 'host', packages: ['bundler', 'curl', 'python3'] } as const;
const debian13 = { system: 'trixie' } as const;

const MODULE = '/etc/puppet/code/environments/production/modules/common';
const CLUSTER = manifestOf('Watch it converge');

export const scenes: readonly Scene[] = [
  {
    title: 'a first run, and the loop around it',
    consoles: {
      'Run again at once': [0, 1],
      'Watch it converge': [0, 1],
      'Packer and Vagrant': [0],
      'Wait for it in a script': [0],
      'Continuous integration: Litmus, Beaker, kitchen': [0, 1],
      'cloud-init': [0],
      'Use it in your module': [0],
    },
    play: (page) => withMachine(page, debian12, converge, { BUNDLE_SILENCE_ROOT_WARNING: '1' }),
  },
  {
    title: 'a delta',
    consoles: { 'Give peers two minutes': [0, 1], 'Stop it': [0] },
    play: (page) =>
      withMachine(page, debian12, async (machine) => {
        await deliver(machine);
        machine.box.writeFile('/root/site.pp', manifestOf('Give peers two minutes'));
        await machine.record('Give peers two minutes', 0);
        await machine.record('Give peers two minutes', 1);
        await machine.record('Stop it', 0, { fails: [0] });
      }),
  },
  {
    title: 'an executable from elsewhere',
    consoles: { 'Before the first run': [0, 1] },
    play: (page) =>
      withMachine(page, debian12, async (machine) => {
        await serve(machine);
        const sum = (await machine.sh(`cut -d ' ' -f 1 ${MODULE}/files/again/*.sums`)).trim();
        await machine.record('Before the first run', 0, {
          command: (command) => command.replace(/[0-9a-f]{64}/, sum),
        });
        await machine.record('Before the first run', 1);
      }),
  },
  {
    title: 'a mirror, and an executable that is damaged',
    consoles: { 'Fetch the executable from elsewhere': [0], 'See whether the executable is sound': [0, 1] },
    play: (page) =>
      withMachine(page, debian12, async (machine) => {
        await serve(machine);
        const ofDelivery = (lines: readonly string[]) =>
          lines.filter((line) => /Exec\[common::again |again\.gz\]/.test(line));
        await machine.record('Fetch the executable from elsewhere', 0, { lines: ofDelivery });
        await machine.record('See whether the executable is sound', 0);
        await machine.record('See whether the executable is sound', 1, { fails: [1] });
      }),
  },
  {
    title: 'a loop',
    consoles: { 'See what it did': [0, 1], 'Tame a loop': [0, 1] },
    play: (page) => withMachine(page, debian13, loop),
  },
  {
    title: 'a state machine',
    consoles: { 'A finite state machine over several runs': [0, 1], 'Know which hosts still converge': [0] },
    play: (page) => withMachine(page, debian13, stateMachine),
  },
  {
    title: 'Bolt',
    consoles: { Bolt: [0, 1, 2] },
    play: (page) => {
      const { system, packages } = generations.debian_13_puppet_8;
      return withMachine(page, { system, packages, commands: openbolt.commands }, bolt);
    },
  },
  { title: 'a Dockerfile', consoles: { 'In a Dockerfile': [0] }, play: dockerfile },
];

async function converge(machine: Machine): Promise<void> {
  const { box, sh, record } = machine;
  box.writeFile('/root/again.pp', manifestOf('Run again at once'));
  await record('Run again at once', 0);
  await sh('again wait --quiet');
  await record('Run again at once', 1);

  box.writeFile('/root/cluster.pp', CLUSTER);
  box.writeFile('/srv/cluster.pp', CLUSTER);
  const withoutVolume = { before: () => sh('rm -rf /srv/volume') };
  await record('Watch it converge', 0, withoutVolume);
  await record('Watch it converge', 1, {
    lines: (lines) => ['...', ...lines.slice(lines.findIndex((line) => line.includes('ends here')))],
  });
  await record('Packer and Vagrant', 0, withoutVolume);
  await record('Wait for it in a script', 0, withoutVolume);

  const integration = 'Continuous integration: Litmus, Beaker, kitchen';
  await withoutVolume.before();
  await record(integration, 0);
  // Debian's Puppet names no dependencies.
  const gems = ['puppet', 'concurrent-ruby', 'semantic_puppet', 'hocon'];
  box.writeFile('/root/Gemfile', inLines(gems.map((gem) => `gem '${gem}'`)));
  await record(integration, 1, withoutVolume);

  await withoutVolume.before();
  const command = 'again run --timeout 250 -- puppet apply --detailed-exitcodes /srv/cluster.pp';
  box.writeFile(
    '/var/lib/cloud/instance/scripts/part-001',
    `#!/bin/sh\n${command}\necho "the script ends with $?"\n`,
    0o700,
  );
  box.writeFile('/etc/systemd/system/cloud-like.service', inLines(cloudLike));
  await sh('systemctl daemon-reload && systemctl start cloud-like');
  await record('cloud-init', 0);

  await record('Use it in your module', 0, { fails: [0] });
}

/** As cloud-final.service, which has cloud-init run these scripts by run-parts(8). */
const cloudLike = [
  ...['[Service]', 'Type=oneshot', 'RemainAfterExit=yes', 'KillMode=process'],
  'ExecStart=/usr/bin/run-parts --verbose /var/lib/cloud/instance/scripts',
];

async function loop({ box, sh, record }: Machine): Promise<void> {
  box.writeFile('/root/loop.pp', manifestOf('Tame a loop'));
  box.writeFile('/etc/puppet/data/common.yaml', shownBelow('Tame a loop', 'yaml').join(''));
  box.writeFile('/etc/puppet/hiera.yaml', 'version: 5\n');
  await sh('puppet apply loop.pp');
  const linkOf = async (number: number) => (await sh('again status --json')).includes(`"link": ${number},`);
  await until('the fourth rerun to be pending', () => linkOf(4), { seconds: 300 });
  await record('Tame a loop', 1);
  await until('the fifth rerun', async () => (await sh('again history --json')).includes('"link": 5,'), {
    seconds: 300,
  });
  await sh('again wait --quiet || :'); // the last one fails, as it should
  await record('See what it did', 0);
  await record('See what it did', 1, { lines: (lines) => lines.slice(0, 5) });
  const [last] = await idsOf(sh, 5);
  await record('Tame a loop', 0, { command: (command) => withId(command, last) });
}

async function stateMachine({ box, sh, record }: Machine): Promise<void> {
  const heading = 'A finite state machine over several runs';
  box.writeFile('/root/state_machine.pp', readFileSync(join(root, 'examples/state_machine.pp'), 'utf8'));
  const ofOthers = (lines: readonly string[]) =>
    lines.filter((line) => !/Common::Again::(Delivery|Link)|Common::Vardir/.test(line));
  await record(heading, 0, { lines: ofOthers });
  await sh('again wait --quiet');
  const [first, third] = await idsOf(sh, 1, 3);
  const ids = [undefined, first, third];
  await record(heading, 1, { command: (command, index) => withId(command, ids[index]) });
  await record('Know which hosts still converge', 0);
}

async function bolt({ box, sh, record }: Machine): Promise<void> {
  // For this program alone: the gems bring a Puppet, too.
  const variables = Object.entries({ ...openbolt.environment, BOLT_DISABLE_ANALYTICS: '1' });
  const program = `exec env ${variables.map((pair) => pair.join('=')).join(' ')} ${openbolt.program} "$@"`;
  box.writeFile('/usr/local/bin/bolt', `#!/bin/sh\n${program}\n`, 0o755);
  box.writeFile('/root/bolt-project.yaml', 'name: site\n');
  await sh(`mkdir modules && ln -s ${MODULE} modules/common`);
  box.writeFile('/root/site.pp', manifestOf('Give peers two minutes'));
  await sh('puppet apply site.pp');
  await record('Bolt', 0);
  await sh('puppet apply site.pp');
  await record('Bolt', 2);
  await sh('again cancel --all');
  await record('Bolt', 1);
}

async function dockerfile(page: Page): Promise<void> {
  const builder = await openBuilder({ system: 'trixie' });
  try {
    // The base image is the same as that of the first two lines, made by other means.
    const [shown = ''] = shownBelow('In a Dockerfile', 'dockerfile');
    const content = shown.replace(/^FROM debian:13\nRUN apt-get .*\n/, 'FROM debian\n');
    const { code, stdout } = await builder.build('converged', content, { 'cluster.pp': CLUSTER });
    if (code !== 0) throw new Error(`the build failed (${code}): ${stdout}`);
    const lines = linesOf(stdout);
    const begin = lines.findLastIndex((line) => line.startsWith('STEP ') && line.includes('RUN again run'));
    const end = lines.findIndex((line, index) => index > begin && /^(STEP|COMMIT|-->) /.test(line));
    const before = inLines(lines.slice(begin, end < 0 ? undefined : end));
    page.replace({ heading: 'In a Dockerfile', index: 0, before, entries: [] });
  } finally {
    await builder.close();
  }
}

/** Delivers the executable, as a first run elsewhere does. */
async function deliver({ sh }: Machine): Promise<void> {
  await sh("puppet apply -e 'include common::again'");
}

/** A web server with the module's executables, at the address that the page names. */
async function serve({ sh }: Machine): Promise<void> {
  await sh(`mkdir -p /srv/www && ln -s ${MODULE}/files/again /srv/www/again`);
  await sh('systemd-run --quiet --unit=www python3 -m http.server --directory /srv/www 8000');
  const answers = async () =>
    (await sh('curl -s -o /dev/null http://127.0.0.1:8000/ && echo yes || :')) !== '';
  await until('the web server', answers, { seconds: 30 });
}

/** The ids of the reruns that have these numbers in their chain. */
async function idsOf(sh: Machine['sh'], ...links: readonly number[]): Promise<string[]> {
  const reruns: { id: string; link: number }[] = JSON.parse(await sh('again history --json'));
  return links.map((link) => {
    const found = reruns.find((one) => one.link === link);
    if (!found) throw new Error(`no rerun ${link} in ${JSON.stringify(reruns)}`);
    return found.id;
  });
}

function withId(command: string, id = ''): string {
  return command.replace(/\d{8}T\d{6}Z-[0-9a-f]{6}/, id);
}

function manifestOf(heading: string): string {
  const [manifest] = shownBelow(heading, 'puppet');
  if (manifest === undefined) throw new Error(`docs/HOWTO.md shows no manifest below ${heading}`);
  return manifest;
}
