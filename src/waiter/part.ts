// What a notification needs when its verdict is said: a part of its own, so that Puppet doesn't wait until it is loaded.
export { log } from '../journal.ts';
export { relay } from '../relay.ts';
export { adopt } from './successor.ts';
export { waitAndBecome } from './wait.ts';
