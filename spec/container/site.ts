import { expect } from 'vitest';
import { boot, type Container } from '../support/container/container.ts';
import { installCommon } from '../support/container/modules.ts';
import type { Finished } from '../support/container/run.ts';
import {
  leftIn,
  listIn,
  pendingIn,
  recordsIn,
  unitsIn,
  waitersIn,
} from '../support/container/what-is-left.ts';
import type { Process } from '../support/processes.ts';
import { until as untilSeen } from '../support/wait.ts';

/** The default places of the contract. */
export const AGAIN = '/var/lib/puppet/tmp/common/again';
export const STATE = `${AGAIN}/state`;

/** One Puppet run, noted by itself. */
export interface Run {
  readonly pid: number;
  /** Its path in the unified hierarchy. */
  readonly cgroup: string;
  /** The name that systemd gave to this start of its unit; empty outside of units. */
  readonly invocation: string;
}

/** A booted container whose default places hold the module's helper, delivered by Puppet. */
export interface Site {
  readonly box: Container;
  /** Runs a shell's command line in the container; its standard output. */
  sh(command: string): Promise<string>;
  /** Writes a manifest, of which each run is noted under its name, and returns its path. */
  manifest(name: string, cause?: Cause): string;
  /** `puppet apply` of a manifest, to its end; `more` goes before the manifest. */
  apply(name: string, more?: readonly string[]): Promise<Finished>;
  /** The runs of a manifest that have come as far as its first resource, oldest first. */
  runs(name: string): Run[];
  waiters(): Process[];
  /** Waits for the one waiter. */
  waiter(): Promise<Process>;
  /** Units named `again-…`. */
  units(): Promise<string[]>;
  /** The records of pending commands, and temporary files. */
  records(): string[];
  /** The things that could still lead to a run, a line each: processes, units, records. */
  left(): Promise<string[]>;
  /** Waits for so many runs and until nothing is left that could start another one; returns them. */
  settled(name: string, count: number, seconds?: number): Promise<Run[]>;
  /** Waits for a condition, and tells what was there instead. */
  until(what: string, condition: () => unknown, seconds?: number): Promise<void>;
  /** Waits for `seconds`, in which a condition must hold: that nothing happens can't be seen otherwise. */
  holds(what: string, condition: () => boolean, seconds?: number): Promise<void>;
  /** A service and a timer that starts it once, at once. */
  timer(name: string, service: readonly string[], command?: string): Promise<void>;
  /** Ends what a failed test has left, so that it does not spoil the next one. */
  clear(): Promise<void>;
  /** All that a unit has written to the journal, or what has come after a cursor (`journalctl --show-cursor`). */
  journal(unit: string, after?: string): Promise<string>;
  /** The names that systemd gave to the starts of a service, oldest first. */
  activations(name: string): Promise<string[]>;
}

export interface Cause {
  /** The notified resource. Default `Exec['again']`. */
  readonly target?: string;
  /** A shell's condition: whether this run notifies. Default: when it is the first one. */
  readonly when?: string;
  /** More resources. */
  readonly more?: string;
}

/** Not in /var/tmp, which a unit may have for itself. */
const RUNS = '/var/lib/again-spec/runs';
const PROBE = '/usr/local/lib/probe';
const probe = `# Run by Puppet: notes the Puppet process above it.
set -eu
folder=${RUNS}/$1
mkdir -p "$folder"
invocation=$(tr '\\0' '\\n' <"/proc/$PPID/environ" | sed -n 's/^INVOCATION_ID=//p' | head -n 1)
cgroup=$(sed -n 's/^0:://p' "/proc/$PPID/cgroup")
printf '{"pid":%d,"cgroup":"%s","invocation":"%s"}' "$PPID" "$cgroup" "$invocation" >"$folder/.$$"
mv "$folder/.$$" "$folder/$(date +%s%N)-$PPID"
`;

/**
 * Boots one, with the module of this repository or of the folder that AGAIN_MODULE names.
 *
 * @param hieraData for all runs there; default: none
 * @param packages of Debian, that it has in addition
 */
export async function openSite(hieraData?: string, packages: readonly string[] = []): Promise<Site> {
  const box = await boot({ system: 'host', packages });
  try {
    const site = siteOf(box);
    installCommon(box);
    box.writeFile(PROBE, probe, 0o755);
    await box.exec(['install', '--directory', '--mode=1777', RUNS]);
    if (hieraData !== undefined) {
      box.writeFile(
        '/etc/puppet/hiera.yaml',
        'version: 5\nhierarchy:\n  - name: site\n    datadir: /etc/again-spec\n    path: site.yaml\n',
      );
      box.writeFile('/etc/again-spec/site.yaml', hieraData);
    }
    await box.exec(['puppet', 'apply', '-e', 'include common::again']);
    return site;
  } catch (error) {
    await box.powerOff();
    throw error;
  }
}

function siteOf(box: Container): Site {
  const sh = async (command: string) => (await box.exec(['sh', '-c', command])).stdout;
  const path = (name: string) => `/etc/again-spec/${name}.pp`;
  const manifest: Site['manifest'] = (name, cause) => {
    box.writeFile(path(name), manifestOf(name, cause));
    return path(name);
  };
  const apply = (name: string, more: readonly string[] = []) =>
    box.exec(['puppet', 'apply', '--color=false', ...more, path(name)], { check: false });

  const runs = (name: string) =>
    listIn(box, `${RUNS}/${name}`)
      .filter((file) => !file.startsWith('.'))
      .sort()
      .map((file) => JSON.parse(box.readFile(`${RUNS}/${name}/${file}`)) as Run);
  const waiters = () => waitersIn(box);
  const units = async () => (await unitsIn(box)).map((line) => line.split(' ')[0] ?? '');
  const records = () => recordsIn(box, AGAIN);
  const left = () => leftIn(box, AGAIN);
  const until: Site['until'] = async (what, condition, seconds = 120) => {
    try {
      await untilSeen(what, condition, { seconds });
    } catch (error) {
      const logs = await sh(`tail -n 15 ${STATE}/logs/* 2>&1; journalctl -n 60 -o short-monotonic`);
      const seen = await sh(`cd ${RUNS} && grep -r . || :`);
      throw new Error(`${error}\nleft: ${(await left()).join('\n')}\n${seen}\n${logs}`, { cause: error });
    }
  };

  return {
    box,
    sh,
    manifest,
    apply,
    runs,
    waiters,
    units,
    records,
    left,
    until,
    async waiter() {
      let found: Process[] = [];
      const one = () => {
        // The helper that asks for a scope ends when the waiter in the scope has recorded what is pending.
        found = pendingIn(box, AGAIN).length === 1 ? waiters() : [];
        return found.length === 1;
      };
      await until('one waiter', one);
      return found[0] as Process;
    },
    async settled(name, count, seconds = 120) {
      const quiet = async () => runs(name).length >= count && (await left()).length === 0;
      await until(`${count} runs of ${name}, and then quiet`, quiet, seconds);
      const seen = runs(name);
      expect(seen.length, JSON.stringify(seen)).toBe(count);
      return seen;
    },
    async holds(what, condition, seconds = 2) {
      const end = performance.now() + seconds * 1000;
      await until(what, () => {
        expect(condition(), what).toBe(true);
        return performance.now() > end;
      });
    },
    async clear() {
      for (const { pid } of waiters()) await sh(`kill -9 ${pid} || :`);
      if (records().length > 0) await sh(`rm -rf ${STATE}/commands`);
      await sh(`rm -rf ${RUNS}/*`); // a second try of the test counts from zero
    },
    async timer(name, service, command = `/usr/bin/puppet apply --color=false ${path(name)}`) {
      const unit = ['[Service]', 'Type=oneshot', `ExecStart=${command}`, ...service, ''];
      box.writeFile(`/etc/systemd/system/${name}.service`, unit.join('\n'));
      const timer = '[Timer]\nOnActiveSec=100ms\nAccuracySec=10ms\n';
      box.writeFile(`/etc/systemd/system/${name}.timer`, timer);
      await sh(`systemctl daemon-reload && systemctl restart ${name}.timer`);
    },
    journal: (unit, after) =>
      sh(`journalctl --unit=${unit} --output=cat ${after === undefined ? '' : `--after-cursor='${after}'`}`),
    activations: async (name) => {
      const ids = await sh(
        `journalctl _SYSTEMD_UNIT=${name}.service --output=json --output-fields=_SYSTEMD_INVOCATION_ID | ` +
          `sed 's/.*"_SYSTEMD_INVOCATION_ID":"\\([0-9a-f]*\\)".*/\\1/'`,
      );
      return [...new Set(ids.split('\n').filter(Boolean))];
    },
  };
}

/** A manifest whose first run notifies, and whose every run is noted. */
export function manifestOf(name: string, cause: Cause = {}): string {
  const { target = "Exec['again']", when = amongFirst(1, name), more = '' } = cause;
  return `include common::again
exec { 'probe':
  command  => '/bin/sh ${PROBE} ${name}',
  provider => 'posix',
}
exec { 'cause':
  command  => 'true',
  onlyif   => '${when}',
  provider => 'shell',
  require  => Exec['probe'],
  notify   => ${target},
}
${more}
`;
}

/** A shell's condition: whether this is one of the first so many runs of a manifest. */
export function amongFirst(count: number, name: string): string {
  return `test $(ls ${RUNS}/${name} | wc -l) -le ${count}`;
}

/** A delta, and its title for `notify`. */
export function delta(name: string, seconds: number): Cause {
  return {
    target: `Common::Again::Delta['${name}']`,
    more: `common::again::delta { '${name}': delta => ${seconds} }`,
  };
}

/** The same cause in a manifest whose runs, but for the first one, stay until /run/gate is gone. */
export function gated(cause: Cause, name: string): Cause {
  return {
    ...cause,
    more: `${cause.more ?? ''}\n${gate(`unless => '${amongFirst(1, name)}', require => Exec['probe']`)}`,
  };
}

/** An exec that keeps a run going until /run/gate is gone. */
export function gate(parameters = "require => Exec['probe']"): string {
  return `exec { 'gate': command => 'while test -e /run/gate; do sleep 0.1; done', provider => 'shell', ${parameters} }`;
}

/** The lines of the helper through its Exec, in the output of a run or in a journal: a line for each line. */
export function said(output: string): string[] {
  const found = output.matchAll(/Exec\[again(?:-(?:delta|when)-[^\]]*)?\]\/returns: (.*)/g);
  return [...found].map((match) => match[1] ?? '').filter((line) => line !== 'executed successfully');
}
