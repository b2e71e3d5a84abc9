/**
 * The variables of `again` itself that the launcher hands on from the environment that Puppet gives its commands. They are not always found in `/proc/PID/environ` of Puppet:
 * where a process writes a title over its arguments that is longer than they were, as `bundle exec` does with the whole path of `puppet`, Ruby clears its environment there, too
 * (compat_setproctitle in missing/setproctitle.c).
 */
export const HANDED_ON = ['AGAIN_RUN', 'AGAIN_UNSUPPORTED'] as const;

export type HandedOn = { readonly [name in (typeof HANDED_ON)[number]]?: string };

let taken: HandedOn = {};

/** Takes them out of an environment, that of this process: nothing that it starts from then on has them. */
export function takeHandedOn(environment: NodeJS.ProcessEnv = process.env): void {
  taken = handedOnBy(environment);
  for (const name of HANDED_ON) delete environment[name];
}

/** Those that this process was started with, once they are taken. */
export function handedOn(): HandedOn {
  return taken;
}

/** Those in an environment. */
export function handedOnBy(environment: NodeJS.ProcessEnv): HandedOn {
  const found = HANDED_ON.map((name) => [name, environment[name]] as const);
  return Object.fromEntries(found.filter(([, value]) => value !== undefined));
}
