import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { built } from './spec/support/built.ts';

const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));

const seconds = 1000;
const minutes = 60 * seconds;

const longOnes = '**/*.long.test.ts';

/**
 * Tests that drive a whole machine: one file at a time, for they share Puppet, its lock and its server. On a CI machine, which others may
 * keep busy, one that fails has a second try, and the closing part of `npm test` names it; at a desk it fails. Tests of races, coalescing,
 * faults, delivery and the like have one try everywhere: they say so themselves.
 */
const wholeMachine = {
  fileParallelism: false,
  retry: process.env.CI ? 1 : 0,
  exclude: [longOnes],
};

const people = { ...wholeMachine, testTimeout: 6 * minutes, hookTimeout: 8 * minutes };

/** The longest file of people's tests. Each test has a machine of its own by namespaces, so it can run beside others. */
const inPrivate = 'spec/people/run.test.ts';

/** Tests in booted containers, each file in its own: two at a time, since they wait more than they work. */
const booted = { ...wholeMachine, fileParallelism: true, maxWorkers: 2 };

/** The first cell of a generation makes and boots its installation. */
const matrix = { ...booted, testTimeout: 30 * minutes, hookTimeout: 5 * minutes };

export default defineConfig({
  // What the build puts in: see build.mjs and src/os/version.ts.
  define: { AGAIN_VERSION: JSON.stringify(version) },
  test: {
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['spec/unit/**/*.test.ts'], testTimeout: 1 * minutes },
      },
      // The core once more, as the build makes it.
      {
        extends: true,
        plugins: [built()],
        test: {
          name: 'bundle',
          include: ['spec/unit/{os,puppet,schedule}/*.test.ts'],
          testTimeout: 1 * minutes,
        },
      },
      {
        extends: true,
        test: { name: 'root', include: ['spec/root/**/*.test.ts'], testTimeout: 1 * minutes },
      },
      {
        extends: true,
        test: {
          ...wholeMachine,
          name: 'machine',
          include: ['spec/machine/**/*.test.ts'],
          testTimeout: 3 * minutes,
          hookTimeout: 5 * minutes,
        },
      },
      {
        extends: true,
        test: {
          ...people,
          name: 'people',
          include: ['spec/people/**/*.test.ts'],
          exclude: [longOnes, inPrivate],
        },
      },
      {
        extends: true,
        test: {
          ...people,
          name: 'foreground',
          include: [inPrivate],
        },
      },
      {
        extends: true,
        test: {
          ...booted,
          name: 'container',
          include: ['spec/container/**/*.test.ts'],
          testTimeout: 5 * minutes,
          hookTimeout: 15 * minutes,
        },
      },
      // What is slow and seldom breaks: `npm run test:long`.
      {
        extends: true,
        test: {
          ...wholeMachine,
          name: 'long',
          include: ['spec/{machine,people}/**/*.long.test.ts'],
          exclude: [],
          testTimeout: 8 * minutes,
          hookTimeout: 8 * minutes,
        },
      },
      {
        extends: true,
        test: {
          ...wholeMachine,
          name: 'long-container',
          include: ['spec/container/**/*.long.test.ts'],
          exclude: [],
          testTimeout: 8 * minutes,
          hookTimeout: 15 * minutes,
        },
      },
      // The whole matrix, and what `npm test` has of it.
      {
        extends: true,
        test: {
          ...matrix,
          name: 'matrix',
          retry: 0, // a cell of the table has one try
          include: ['spec/matrix/*.test.ts'],
        },
      },
      {
        extends: true,
        test: {
          ...matrix,
          name: 'matrix-fast',
          include: ['spec/matrix/debian_{11,13}_*.test.ts'],
          env: { AGAIN_MATRIX: 'fast' },
        },
      },
    ],
  },
});
