import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Builder, openBuilder } from '../support/container/builder.ts';
import { shownBelow } from '../support/howto.ts';
import { said } from './site.ts';

/** The Dockerfile of docs/HOWTO.md: the base image is the same, made by other means. */
const [shown = ''] = shownBelow('In a Dockerfile', 'dockerfile');
const dockerfile = shown
  .replace(/^FROM debian:13\nRUN apt-get .*\n/, 'FROM debian\n')
  .replaceAll('again-linux-x64', `again-linux-${process.arch}`);
const [manifest = ''] = shownBelow('Watch it converge', 'puppet');

const run = 'again run --timeout 600 -- puppet apply --color=false --detailed-exitcodes /etc/puppet/site.pp';
/** A build continues after a run that has changed something. */
const changed = 'case $? in 0 | 2) ;; *) exit 1 ;; esac';

let builder: Builder;

beforeAll(async () => {
  builder = await openBuilder({ system: 'trixie' });
  const { code, stdout, stderr } = await builder.build('with-again', dockerfile, { 'cluster.pp': manifest });
  first = stdout + stderr;
  expect(code, first).toBe(0);
});

afterAll(() => builder?.close());

/** The output of the first build. */
let first = '';

describe('RUN again run', () => {
  test('goes on when a manifest that needs three runs has had them', () => {
    expect(first.match(/Applied catalog in/g), first).toHaveLength(3);
    expect(said(first)).toEqual([
      expect.stringMatching(
        /^Will run `puppet apply .*` again 3 s after .* has ended, in the foreground: again run, pid \d+$/,
      ),
      expect.stringMatching(/again as soon as it has ended \(rerun 2 in a row\), in the foreground/),
    ]);
    // The executable is where the module wants it, so the module has left it alone.
    expect(first).toContain('Exec[common::again look]/returns: executed successfully');
    expect(first).not.toContain('again.gz]');
    expect(first).not.toContain('Exec[common::again unpack]');
  });

  test('ends the build with what Puppet says of a second run that fails', async () => {
    const fails = `exec { '/bin/false':
  onlyif => '/bin/sh -c "test $(cat /var/tmp/steps | wc -l) -eq 1"',
  before => Exec['step'],
}
`;
    const { code, output } = await build(`RUN ${run}`, converges(3) + fails);
    expect(code, output).toBe(4);
    expect(output.match(/Applied catalog in/g), output).toHaveLength(2);
    expect(output).toContain("'/bin/false' returned 1 instead of one of [0]");
  });

  test('ends the build with 125 where the manifest never converges', async () => {
    const { code, output } = await build(`RUN ${run.replace('run', 'run --limit 2')}`, converges(1000));
    expect(code, output).toBe(125);
    expect(output.match(/Applied catalog in/g), output).toHaveLength(3);
    expect(output).toContain('again run: the limit of 2 reruns is reached, and another one is wanted');
  });

  test('below a shell that takes Puppet away in the same step', async () => {
    const purge = 'dpkg --purge --force-depends puppet-agent >/dev/null 2>&1';
    const { code, output } = await build(
      `RUN ${run}; ${changed}; ${purge} && rm -rf /var/lib/puppet /usr/local/sbin/again
RUN ! command -v puppet && ! command -v again && ! ps -eo comm | grep again && wc -l /var/tmp/steps`,
      converges(3),
    );
    expect(code, output).toBe(0);
    expect(output).toMatch(/^2 \/var\/tmp\/steps$/m);
  });
});

describe('the main process of a container that nothing has booted', () => {
  test.for([
    ['again run', []],
    ['again run --init', ['--init']],
  ] as const)('is `%s`', async ([, options]) => {
    const command = [
      '/usr/local/sbin/again',
      'run',
      ...options,
      '--',
      'puppet',
      'apply',
      '--color=false',
      '/etc/puppet/cluster.pp',
    ];
    const forget = ['sh', '-c', 'rm -r /srv/volume; exec "$@"', 'sh'];
    const { code, stdout, stderr } = await builder.run('with-again', [...forget, ...command]);
    const output = stdout + stderr;
    expect(code, output).toBe(0);
    expect(output.match(/Applied catalog in/g), output).toHaveLength(3);
    expect(said(output)).toHaveLength(2);
    if (options.length === 0) expect(said(output)[0]).toMatch(/again run, pid 1$/);
  });
});

/** Builds above the first image, which has `again`. */
async function build(steps: string, manifest: string): Promise<{ code: number; output: string }> {
  const content = `FROM with-again\nCOPY site.pp /etc/puppet/\n${steps}\n`;
  const { code, stdout, stderr } = await builder.build('another', content, { 'site.pp': manifest });
  return { code, output: stdout + stderr };
}

/** A manifest that asks for a rerun until it has been applied so many times. */
function converges(runs: number): string {
  return `include common::again
exec { 'step':
  command  => 'echo step >>/var/tmp/steps',
  unless   => 'test "$(cat /var/tmp/steps | wc -l)" -ge ${runs - 1}',
  provider => 'shell',
  path     => '/usr/bin:/bin',
  notify   => Exec['again'],
}
`;
}
