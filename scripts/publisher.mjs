// The facts of a release that only a publisher knows, and the state that the project must have before there is one. Pure: ask.mjs asks, and release.mjs looks.

/** Reserved names, by RFC 2606 and 6761. */
const nobodys = /(^|\.)(example(\.(com|net|org))?|invalid|test|localhost|local)$/i;

/**
 * The questions: the option of release.mjs, the question at a terminal, what is wrong with an answer (undefined: nothing), and the field of
 * metadata.json that it goes into.
 */
export const questions = [
  {
    option: 'forge-user',
    ask: 'Your user name on the Puppet Forge',
    wrong: (text) => (/^[a-zA-Z0-9]+$/.test(text) ? undefined : 'must be letters and digits alone'),
    field: 'name',
    value: (text, name) => `${text}-${name.split(/[-/]/)[1]}`,
  },
  {
    option: 'author',
    ask: 'The name of the author, a person or an organization',
    wrong: (text) => (/^\S(.*\S)?$/.test(text) ? undefined : 'must be a name on one line'),
    field: 'author',
  },
  {
    option: 'source',
    ask: 'The address of the git repository (https://…)',
    wrong: wrongAddress,
    field: 'source',
  },
  {
    option: 'project-page',
    ask: 'The address of the project for people (https://…)',
    wrong: wrongAddress,
    field: 'project_page',
  },
  {
    option: 'issues-url',
    ask: 'The address at which people report issues (https://…)',
    wrong: wrongAddress,
    field: 'issues_url',
  },
];

function wrongAddress(text) {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:' || url.username || url.password || !url.hostname.includes('.')) {
    return 'must be a complete address that begins with https://, without a password';
  }
  return nobodys.test(url.hostname) ? `${url.hostname} is a name that belongs to nobody` : undefined;
}

/**
 * The faults of the answers, one sentence each; empty where there are none.
 *
 * @param {Record<string, string>} answers by option
 */
export function wrongAnswers(answers) {
  return questions.flatMap(({ option, wrong }) => {
    const reason = wrong(answers[option] ?? '');
    return reason === undefined ? [] : [`--${option} ${JSON.stringify(answers[option] ?? '')}: ${reason}`];
  });
}

/** The metadata.json of the release: that of the project, with the answers. */
export function publishedMetadata(metadata, answers) {
  const published = { ...metadata };
  for (const { option, field, value = (text) => text } of questions) {
    published[field] = value(answers[option], metadata.name);
  }
  return published;
}

/**
 * The obstacles to a release of the project, one sentence each; empty where there are none.
 *
 * @param {{ version: string, changelog: string, changes: string, matrix: string }} project the version; the text of CHANGELOG.md; what
 *   `git status --porcelain` says; the version of which docs/SUPPORT.md tells
 */
export function obstacles({ version, changelog, changes, matrix }) {
  const sections = changelog.split(/^## /m).slice(1);
  const section = (name) => sections.find((text) => text.startsWith(`[${name}]`));
  const date = section(version)?.match(/^\[.*?\] - (\d{4}-\d\d-\d\d)$/m)?.[1];
  const left = section('Unreleased')?.split('\n').slice(1).join('\n').trim();
  return [
    ...(changes.trim() === '' ? [] : ['there are changes that are not committed: commit them']),
    ...(/^\d+\.\d+\.\d+$/.test(version) ? [] : [`the version ${version} is not of the form 1.2.3`]),
    ...(left ? [`CHANGELOG.md still has entries below [Unreleased]: move them below [${version}]`] : []),
    ...(date && !Number.isNaN(Date.parse(date))
      ? []
      : [`CHANGELOG.md has no line "## [${version}] - YYYY-MM-DD", with the day of the release`]),
    ...(matrix === version
      ? []
      : [`docs/SUPPORT.md tells of version ${matrix}: run \`npm run matrix\`, and commit what it writes`]),
  ];
}
