import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { boot, type Container } from '../support/container/container.ts';

// The catalogs are compiled by OpenVox 8 in `npm run test:catalog`. The decisive specs once more by the majors before and after it, by OpenVox 8 with the facts that
// need a newer Ruby, and by the gem puppet, each on a Debian whose Ruby it takes.

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** `amazon`: the newest release of which facterdb has facts, in the version that this Ruby takes. */
const releases = [
  { name: 'OpenVox 7', variables: openvox('~> 7.37'), system: 'host', amazon: '2022' },
  { name: 'OpenVox 8', variables: openvox('~> 8.31'), system: 'trixie', amazon: '2023' },
  { name: 'OpenVox 9', variables: openvox('~> 9.2'), system: 'trixie', amazon: '2023' },
  { name: 'Puppet 8', variables: { PUPPET_GEM_VERSION: '~> 8.10' }, system: 'host', amazon: '2022' },
] as const;

function openvox(requirement: string) {
  return { OPENVOX_GEM_VERSION: requirement, OPENFACT_GEM_VERSION: '>= 5' };
}

const PLACE = '/opt/catalogs';

const RSPEC = [
  ...['bundle', 'exec', 'rspec', '--options', '/dev/null', '--require', './spec/spec_helper'],
  ...['--format', 'documentation'],
];

/** The parts that Puppet reads, and the specs. */
const PARTS = [
  ...['files/again/deliver', 'files/again/notify', 'files/again/remove', 'functions', 'lib', 'manifests'],
  ...['Rakefile', 'metadata.json', 'plans', 'tasks', 'templates', 'types'],
  ...['spec/classes', 'spec/defines', 'spec/fixtures', 'spec/functions', 'spec/spec_helper.rb'],
];

describe.each(releases)('catalogs under $name', ({ variables, system, amazon }) => {
  const gems = { BUNDLE_GEMFILE: `${PLACE}/Gemfile`, BUNDLE_PATH: `${PLACE}/gems`, ...variables };
  let box: Container;

  beforeAll(async () => {
    const assignments = Object.entries(gems).map(([name, value]) => `${name}='${value}'`);
    const gemfile = readFileSync(join(repository, 'Gemfile'), 'utf8');
    box = await boot({
      system,
      packages: ['build-essential', 'bundler', 'git', 'libffi-dev', 'libyaml-dev', 'ruby-dev'],
      commands: [
        `mkdir ${PLACE} && cat > ${PLACE}/Gemfile <<'END'\n${gemfile}\nEND`,
        `cd ${PLACE} && ${assignments.join(' ')} bundle install --jobs 4`,
      ],
    });
    const module = box.hostPath(`${PLACE}/module`);
    // The link that rspec-puppet makes here, for the module to find itself, must not lead to this machine there.
    const filter = (path: string) => !path.endsWith('/spec/fixtures/modules');
    for (const part of PARTS) cpSync(join(repository, part), join(module, part), { recursive: true, filter });
    mkdirSync(join(module, 'spec/fixtures/modules'));
  });

  afterAll(() => box?.powerOff());

  it('compile with the facts of all Linux families, and of every value that a define takes', async () => {
    const specs = ['spec/classes/families_spec.rb', 'spec/defines', 'spec/functions'];
    const { stdout, stderr } = await box.exec([...RSPEC, ...specs], {
      cwd: `${PLACE}/module`,
      env: { ...gems, LANG: 'C.UTF-8', HOME: '/root' },
      check: false,
      timeoutMs: 480_000,
    });
    expect(stdout, `${stdout}${stderr}`).toMatch(/^[1-9]\d* examples, 0 failures$/m);
    const amazons = [...stdout.matchAll(/^ +on amazon-(\d+)-x86_64$/gm)].map(([, release]) => release);
    expect(amazons.at(-1)).toBe(amazon);
  });

  it('are checked by the tasks of the Rakefile', async () => {
    const rake = (...words: string[]) =>
      box.exec(['bundle', 'exec', 'rake', ...words], {
        cwd: `${PLACE}/module`,
        env: { ...gems, LANG: 'C.UTF-8', HOME: '/root' },
      });
    const { stdout } = await rake('-T');
    for (const task of ['validate', 'lint', 'rubocop', 'spec', 'check:trailing_whitespace'])
      expect(stdout).toMatch(new RegExp(`^rake ${task} +#`, 'm'));
    await rake('syntax', 'metadata_lint');
  });
});
