import { agentTest, closedTerminal, cron, disabledMeanwhile, ownFolders, sudo } from './agent.ts';
import { applyAsRoot, applyAsUser } from './apply.ts';
import { boltApply, boltCommand } from './bolt.ts';
import { consumers } from './consumers.ts';
import { byHand, reload, service, translated } from './daemon.ts';
import { agentInForeground, applyInForeground, inputInForeground } from './foreground.ts';
import { outputInJournal, unitItself } from './settings.ts';
import { onetimeInTimer } from './timer.ts';
import type { Way } from './way.ts';

/** The rows of the table, in its order. */
export const ways: readonly Way[] = [
  applyAsRoot,
  applyAsUser,
  agentTest,
  closedTerminal,
  sudo,
  cron,
  onetimeInTimer,
  service,
  reload,
  byHand,
  translated,
  ownFolders,
  disabledMeanwhile,
  boltCommand,
  boltApply,
  applyInForeground,
  agentInForeground,
  inputInForeground,
  unitItself,
  outputInJournal,
  consumers,
];
