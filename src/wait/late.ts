// The code that is needed when something is due, or where a waiter can't live: a part of its own, loaded then.
export { relay } from '../systemd/relay.ts';
export { describeBlocker, isWorthTelling, patienceOf } from './blocker.ts';
export { findObstacle } from './obstacles.ts';
export { createSatisfaction } from './satisfaction.ts';
export { startRerun } from './start.ts';
export { adopt } from './successor.ts';
export { createSurvey } from './survey.ts';
