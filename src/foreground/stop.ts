import { constants } from 'node:os';

/** The signal that was sent to end this `again run`. */
export interface Stop {
  /** The signal's number; undefined while there was none. */
  readonly signal: number | undefined;
}

/** A terminal sends these to its whole process group, so Puppet has them as well. */
const BY_TERMINAL = ['SIGINT', 'SIGQUIT'] as const;

/** These are sent to one process, and passed on. */
const PASSED_ON = ['SIGTERM', 'SIGHUP'] as const;

/**
 * Takes the signals that end an `again run`: nothing is started after one of them, and the present run is waited for. Those that stop and continue (TSTP, CONT …) keep
 * their default, so Ctrl-Z does what it always does.
 *
 * @param ignored numbers of the signals that were ignored when this process was started: they stay so
 * @param passOn hands a signal to the present run
 * @param stopped called after each
 */
export function takeSignals(
  ignored: readonly number[],
  passOn: (signal: NodeJS.Signals) => void,
  stopped: () => void,
): Stop {
  const stop: { signal: number | undefined } = { signal: undefined };
  const note = (signal: NodeJS.Signals) => {
    stop.signal ??= constants.signals[signal];
    stopped();
  };
  const isIgnored = (signal: NodeJS.Signals) => ignored.includes(constants.signals[signal]);
  for (const signal of [...BY_TERMINAL, ...PASSED_ON]) {
    if (isIgnored(signal)) {
      process.on(signal, () => {}); // a handler is as good as SIG_IGN, which Node can't set
      continue;
    }
    const isPassedOn = (PASSED_ON as readonly string[]).includes(signal);
    process.on(signal, () => {
      if (isPassedOn) passOn(signal);
      note(signal);
    });
  }
  return stop;
}
