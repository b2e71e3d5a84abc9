/** The value below which so many percent of the values lie (nearest rank). */
export function percentile(values, percent) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
}

export function median(values) {
  return percentile(values, 50);
}

/**
 * How far the median of such values may be off, as a part of it: half the 95 % confidence interval of a median by the interquartile range (McGill, Tukey and
 * Larsen, Variations of Box Plots, 1978).
 */
export function uncertainty(values) {
  const range = percentile(values, 75) - percentile(values, 25);
  return (1.57 * range) / Math.sqrt(values.length) / median(values);
}

export function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * By how much values exceed others, pair by pair, on average, and how far that may be off: half the 95 % confidence interval, by the standard error. What
 * disturbs both values of a pair doesn't count.
 */
export function meanDifference(values, others) {
  const differences = values.map((value, index) => value - others[index]);
  const value = mean(differences);
  const variance = differences.reduce((sum, one) => sum + (one - value) ** 2, 0) / (differences.length - 1);
  return { value, error: 1.96 * Math.sqrt(variance / differences.length) };
}
