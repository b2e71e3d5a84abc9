import { constants } from 'node:os';

/** The signal that was sent to end this `again run`. */
export interface Stop {
  /** The signal's number; undefined while there was none. */
  readonly signal: number | undefined;
}

/** A terminal sends these to the process group in its foreground, so Puppet has them as well, unless a wrapper has put it in another one. */
const BY_TERMINAL = ['SIGINT', 'SIGQUIT'] as const;

/** These are sent to one process, and passed on. */
const PASSED_ON = ['SIGTERM', 'SIGHUP'] as const;

/** What is done with the signals. */
export interface SignalHandlers {
  /** Hands a signal to the present run. */
  readonly passOn: (signal: NodeJS.Signals) => void;
  /** Hands a signal of the terminal to what the terminal has not reached of the present run. */
  readonly reach: (signal: NodeJS.Signals) => void;
  /** Called after each. */
  readonly stopped: () => void;
}

/**
 * Takes the signals that end an `again run`: nothing is started after one of them, and the present run is waited for. Those that stop and continue (TSTP, CONT …) keep
 * their default, so Ctrl-Z does what it always does.
 *
 * @param ignored numbers of the signals that were ignored when this process was started: they stay so
 */
export function takeSignals(ignored: readonly number[], { passOn, reach, stopped }: SignalHandlers): Stop {
  const stop: { signal: number | undefined } = { signal: undefined };
  const take = (signal: NodeJS.Signals, handle: (signal: NodeJS.Signals) => void) => {
    const number = constants.signals[signal];
    process.on(signal, () => {
      if (ignored.includes(number)) return; // a handler is as good as SIG_IGN, which Node can't set
      handle(signal);
      stop.signal ??= number;
      stopped();
    });
  };
  for (const signal of BY_TERMINAL) take(signal, reach);
  for (const signal of PASSED_ON) take(signal, passOn);
  return stop;
}
