import { agentTest } from './agent.ts';
import { applyAsRoot, applyAsUser } from './apply.ts';
import { service } from './daemon.ts';
import { onetimeInTimer } from './timer.ts';
import type { Way } from './way.ts';

/** The rows of the table, in its order. */
export const ways: readonly Way[] = [applyAsRoot, applyAsUser, agentTest, onetimeInTimer, service];
