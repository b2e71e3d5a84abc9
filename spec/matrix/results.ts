import type { Versions } from './installation.ts';

/** The results for one version of the module: the content of results.json. */
export interface Results {
  /** The module's. */
  readonly version: string;
  /** By the generation's name. */
  readonly generations: Readonly<Record<string, Column>>;
}

export interface Column {
  readonly versions: Versions;
  /** By the title of the way: `yes`, or why not. What was not run is not there. */
  readonly cells: Readonly<Record<string, string>>;
}

/** The part of vitest's JSON report that counts here. */
export interface Report {
  readonly testResults: readonly { readonly assertionResults: readonly Assertion[] }[];
}

interface Assertion {
  readonly ancestorTitles: readonly string[];
  readonly title: string;
  readonly status: string;
  readonly failureMessages?: readonly string[];
  readonly meta?: { readonly versions?: Versions };
}

/** The results after a run of (a part of) the matrix: earlier cells count as long as they are of the same version of the module. */
export function merge(earlier: Results, version: string, report: Report): Results {
  const generations = new Map(earlier.version === version ? Object.entries(earlier.generations) : []);
  for (const { ancestorTitles, title, status, failureMessages, meta } of report.testResults.flatMap(
    ({ assertionResults }) => assertionResults,
  )) {
    const name = ancestorTitles.at(-1) ?? '';
    if (status !== 'passed' && status !== 'failed') continue; // it was not asked for
    const former = generations.get(name);
    const outcome = status === 'passed' ? 'yes' : reason(failureMessages);
    generations.set(name, {
      versions: meta?.versions ?? former?.versions ?? UNKNOWN,
      // Other software was seen with the earlier cells.
      cells: { ...(sameVersions(former?.versions, meta?.versions) ? former?.cells : {}), [title]: outcome },
    });
  }
  const sorted = [...generations].sort(([one], [other]) => one.localeCompare(other));
  return { version, generations: Object.fromEntries(sorted) };
}

const UNKNOWN: Versions = { puppet: 'not installed', ruby: 'not installed', server: 'not installed' };

function sameVersions(former: Versions | undefined, seen: Versions | undefined): boolean {
  return seen === undefined || JSON.stringify(former) === JSON.stringify(seen);
}

/** The first line of a failure. */
function reason([message = 'no message'] = [] as readonly string[]): string {
  return `no: ${message.split('\n')[0]?.replaceAll('|', '\\|')}`;
}
