import fc from 'fast-check';

/**
 * How many inputs each property is tried with. By default a few, which takes seconds in all; the environment variable
 * AGAIN_PROPERTY_RUNS multiplies that, and `AGAIN_PROPERTY_RUNS=long` makes it 30,000 for each of the 50
 * properties: more than a million in all, in some minutes:
 *
 *     AGAIN_PROPERTY_RUNS=long npm run test:unit -- spec/unit/properties
 */
const FEW = 100;
const LONG = 30_000;

const wanted = process.env.AGAIN_PROPERTY_RUNS ?? '1';
export const numRuns = wanted === 'long' ? LONG : Math.ceil(FEW * Number(wanted));
if (!(numRuns > 0))
  throw new Error(`AGAIN_PROPERTY_RUNS is ${wanted}, not a number above 0 or the word long`);

/** Of the tests of the property files. */
export const timeout = 30_000 + numRuns * 50;

/** Asserts a property with as many inputs as are wanted. A failure prints its seed and the smallest input. */
export function holds<Values extends [unknown, ...unknown[]]>(
  ...args: [
    ...arbitraries: { [K in keyof Values]: fc.Arbitrary<Values[K]> },
    predicate: (...values: Values) => void,
  ]
): void {
  const property = (fc.property as (...all: unknown[]) => fc.IPropertyWithHooks<Values>)(...args);
  fc.assert(property, { numRuns });
}
