import { CANCELLING, MEANINGLESS } from '../os/signals.ts';
import { createWakeup, type Wakeup } from './wakeup.ts';

/** Makes what a waiter sleeps with, and lets SIGTERM and SIGINT cancel it; no other signal does anything. */
export function listen(): { wakeup: Wakeup; cancelled: () => boolean } {
  const wakeup = createWakeup();
  let cancelled = false;
  const cancel = () => {
    cancelled = true;
    wakeup.poke();
  };
  for (const signal of CANCELLING) process.on(signal, cancel);
  for (const signal of MEANINGLESS) process.on(signal, () => {});
  return { wakeup, cancelled: () => cancelled };
}
