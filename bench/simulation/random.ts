/** Numbers from 0 to 1, the same in every run of the program: a counter, and a hash of it (SplitMix). */
export function repeatable(seed: number): () => number {
  let counter = seed;
  return () => {
    counter = (counter + 0x9e_37_79_b9) | 0;
    let mixed = Math.imul(counter ^ (counter >>> 16), 0x21_f0_aa_ad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x73_5a_2d_97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}
