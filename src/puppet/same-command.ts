import { type Argument, isSure } from './arguments.ts';

/**
 * Options without any bearing on what a run applies. Everything else has: also `noop`, `tags`, `use_cached_catalog`, `catalog`,
 * `environment`, `server`, `certname`, folders and all that a later Puppet brings.
 */
const WITHOUT_BEARING = new Set([
  // The output of a run, where that goes, and the exit status.
  ...[
    'verbose',
    'debug',
    'trace',
    'puppet_trace',
    'color',
    'logdest',
    'log_level',
    'show_diff',
    'summarize',
    'evaltrace',
  ],
  ...['profile', 'http_debug', 'detailed_exitcodes', 'disable_warnings'],
  // When it starts, and how long it waits: for its turn, for the lock, for its certificate.
  ...['splay', 'splaylimit', 'waitforlock', 'maxwaitforlock', 'waitforcert', 'maxwaitforcert', 'runinterval'],
  // Whether it is the only run of its process, and in the foreground. `test` is that, `verbose`, `show_diff`, `no-splay` and
  // `no-usecacheonfailure` (application/agent.rb, `setup_test`; of apply less than that).
  ...['onetime', 'daemonize', 'test'],
  // Those of a daemon alone: its pid, and how long a run may take until it ends that. A run that it ended is no success.
  ...['pidfile', 'runtimeout'],
  // The name of one orchestrated job, which the report repeats.
  'job_id',
  // Whether a cached catalog is taken when there is no other one. A report that says so satisfies nothing.
  'usecacheonfailure',
  // Where the file lies that keeps a run from starting at all. The lock is not here: two runs with different ones can go at once.
  'agent_disabled_lockfile',
  // How the process is treated by the system.
  'priority',
]);

/**
 * Whether two command lines of one subcommand ask for the same, as far as what is applied goes: the same operands in the same order,
 * and the same last value of each option that has a bearing on it. In doubt they don't.
 */
export function appliesTheSame(a: readonly Argument[], b: readonly Argument[]): boolean {
  if (!isSure(a) || !isSure(b)) return false;
  const [operandsOfA, optionsOfA] = bearing(a);
  const [operandsOfB, optionsOfB] = bearing(b);
  return (
    operandsOfA.length === operandsOfB.length &&
    operandsOfA.every((operand, i) => operand === operandsOfB[i]) &&
    optionsOfA.size === optionsOfB.size &&
    [...optionsOfA].every(([name, value]) => optionsOfB.get(name) === value)
  );
}

type Value = Argument['value'];

function bearing(parsed: readonly Argument[]): [operands: Value[], options: Map<string, Value>] {
  const operands: Value[] = [];
  const options = new Map<string, Value>();
  for (const { name, value, ignored } of parsed) {
    if (name === undefined) operands.push(value);
    else if (!ignored && !WITHOUT_BEARING.has(name)) options.set(name, value);
  }
  return [operands, options];
}
