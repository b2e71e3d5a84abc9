// What is needed when something is due, or where a waiter can't live: a part of its own, loaded then.
export { relay } from '../relay.ts';
export { findBlocker } from './blocker.ts';
export { noteSatisfied } from './satisfied.ts';
export { startRerun } from './start.ts';
export { adopt } from './successor.ts';
export { createWitness } from './witness.ts';
