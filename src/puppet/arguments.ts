import type { Bytes } from '../bytes.ts';

/** One option or operand of a Puppet command line. */
export interface Argument {
  /** Long name without dashes, `_` for `-` and without `no_`; undefined for an operand. */
  readonly name: string | undefined;
  /** The value; for a flag `true`, or `false` for its `--no-` form. */
  readonly value: Bytes | boolean;
  /** Place in the list that was parsed, and how many items it takes there. */
  readonly at: number;
  readonly length: number;
}

/**
 * Settings of type boolean and flags of `apply` and `agent`, from the sources of Puppet 5.5, 7, 8 and OpenVox 8 (`defaults.rb`,
 * `application/{apply,agent}.rb`). Everything else takes a value, which may be the next argument.
 */
const FLAGS = new Set(
  `allow_duplicate_certs allow_pson_serialization always_retry_plugins app_management autoflush ca daemonize default_schedules
  disable_i18n disable_per_environment_manifest document_all evaltrace exclude_unchanged_resources freeze_main
  future_features genconfig genmanifest graph http_debug ignore_plugin_errors ignorecache ignoremissingtypes
  ignoreschedules include_legacy_facts ldapssl ldaptls location_trusted manage_internal_file_permissions
  merge_dependency_warnings mkusers noop onetime pluginsync preprocess_deferred profile puppet_trace report
  report_configured_environmentpath report_include_system_store resubmit_facts rich_data settings_catalog show_diff
  skip_logging_catalog_request_destination splay static_catalogs storeconfigs strict_environment_mode
  strict_hostname_checking strict_variables summarize tasks trace trusted_server_facts use_cached_catalog
  use_last_environment use_srv_records usecacheonfailure versioned_environment_dirs write_catalog_summary
  debug detailed_exitcodes enable fingerprint help loadclasses parseonly test use_nodes verbose version`
    .replaceAll('\n ', '')
    .split(' '),
);

/** Short options of `apply` and `agent`; `-D`, `-o` and `-E` belong to settings. */
const SHORT_OPTIONS: Readonly<Record<string, string>> = {
  D: 'daemonize',
  E: 'environment',
  L: 'loadclasses',
  V: 'version',
  c: 'catalog',
  d: 'debug',
  e: 'execute',
  f: 'fqdn',
  h: 'help',
  l: 'logdest',
  o: 'onetime',
  t: 'test',
  v: 'verbose',
  w: 'waitforcert',
};

/** Parses what follows `puppet apply` or `puppet agent`, as Puppet's OptionParser would. */
export function parseArguments(list: readonly Bytes[]): Argument[] {
  const parsed: Argument[] = [];
  let at = 0;
  while (at < list.length) {
    const word = list[at] as Bytes;
    if (word === '--') {
      for (at += 1; at < list.length; at += 1)
        parsed.push({ name: undefined, value: list[at] as Bytes, at, length: 1 });
    } else if (word.startsWith('--')) {
      const option = parseLong(word, list[at + 1]);
      parsed.push({ ...option, at });
      at += option.length;
    } else if (word.startsWith('-') && word.length > 1) {
      const options = parseShort(word, list[at + 1]);
      parsed.push(...options.map((option) => ({ ...option, at })));
      at += options.at(-1)?.length ?? 1;
    } else {
      parsed.push({ name: undefined, value: word, at, length: 1 });
      at += 1;
    }
  }
  return parsed;
}

type Option = Omit<Argument, 'at'>;

function parseLong(word: Bytes, next: Bytes | undefined): Option {
  const equals = word.indexOf('=');
  const spelled = (equals < 0 ? word.slice(2) : word.slice(2, equals)).replaceAll('-', '_');
  if (equals >= 0) return { name: spelled, value: word.slice(equals + 1) as Bytes, length: 1 };
  if (FLAGS.has(spelled)) return { name: spelled, value: true, length: 1 };
  if (spelled.startsWith('no_')) return { name: spelled.slice(3), value: false, length: 1 };
  // `agent --disable [MESSAGE]`: the only option whose value may be left out.
  if (spelled === 'disable' && next?.startsWith('-') !== false)
    return { name: spelled, value: true, length: 1 };
  return next === undefined
    ? { name: spelled, value: true, length: 1 }
    : { name: spelled, value: next, length: 2 };
}

/** `-v`, `-tv`, `-e CODE` or `-eCODE`. */
function parseShort(word: Bytes, next: Bytes | undefined): Option[] {
  const options: Option[] = [];
  for (let i = 1; i < word.length; i += 1) {
    const name = SHORT_OPTIONS[word[i] as string] ?? `unknown_${word[i]}`;
    if (FLAGS.has(name) || name.startsWith('unknown_')) {
      options.push({ name, value: true, length: 1 });
    } else if (i + 1 < word.length) {
      options.push({ name, value: word.slice(i + 1) as Bytes, length: 1 });
      break;
    } else {
      options.push({ name, value: next ?? true, length: next === undefined ? 1 : 2 });
    }
  }
  return options;
}

/** The value that counts of an option: the last one. `undefined` where it is not given. */
export function lastValue(parsed: readonly Argument[], name: string): Bytes | boolean | undefined {
  return parsed.findLast((argument) => argument.name === name)?.value;
}

/** A flag's value; `--splay=false` counts like `--no-splay`. */
export function flag(parsed: readonly Argument[], name: string): boolean | undefined {
  const value = lastValue(parsed, name);
  return value === undefined ? undefined : value === true || (value !== false && /^(true|yes)$/i.test(value));
}

export function text(parsed: readonly Argument[], name: string): Bytes | undefined {
  const value = lastValue(parsed, name);
  return typeof value === 'string' ? value : undefined;
}
