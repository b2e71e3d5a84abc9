/** Numbers from 0 to 1, the same in every run of the program. A linear congruential generator is random enough for a queue. */
export function repeatable(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
