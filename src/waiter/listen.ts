import { createWakeup, type Wakeup } from './wakeup.ts';

/** Makes what a waiter sleeps with, and lets SIGTERM and SIGINT cancel it; a closed terminal (SIGHUP) does nothing. */
export function listen(): { wakeup: Wakeup; cancelled: () => boolean } {
  const wakeup = createWakeup();
  let cancelled = false;
  const cancel = () => {
    cancelled = true;
    wakeup.poke();
  };
  process.on('SIGTERM', cancel);
  process.on('SIGINT', cancel);
  process.on('SIGHUP', () => {});
  return { wakeup, cancelled: () => cancelled };
}
