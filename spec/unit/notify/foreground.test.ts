import { expect, test } from 'vitest';
import { runForForeground } from '../../../src/notify/foreground.ts';
import { recorded } from '../puppet/recorded.ts';

test.each([
  ['apply-file', 'apply'],
  ['agent-onetime', 'agent'],
  // Their reruns come in the background.
  ['daemon-foreground', undefined],
  ['daemon-background', undefined],
])('of the recorded %s, `again run` takes the run of kind %s', (name, mode) => {
  expect(runForForeground(recorded(name), 0)?.mode).toBe(mode);
});
