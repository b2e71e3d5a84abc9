import { expect, test } from 'vitest';
import { handedOn, handedOnBy, takeHandedOn } from '../../../src/os/handed-on.ts';

test('what is handed on is taken out of the environment, so that no process inherits it', () => {
  const environment: NodeJS.ProcessEnv = { AGAIN_RUN: 'x y', AGAIN_UNSUPPORTED: 'warn', AGAIN_WHEN: '{}' };
  takeHandedOn(environment);
  expect(environment).toEqual({ AGAIN_WHEN: '{}' });
  expect(handedOn()).toEqual({ AGAIN_RUN: 'x y', AGAIN_UNSUPPORTED: 'warn' });
  takeHandedOn(environment);
  expect(handedOn()).toEqual({});
});

test('for another process it is found in the environment, and stays there', () => {
  const environment = { AGAIN_RUN: '', PATH: '/bin' };
  expect(handedOnBy(environment)).toEqual({ AGAIN_RUN: '' });
  expect(environment).toEqual({ AGAIN_RUN: '', PATH: '/bin' });
});
