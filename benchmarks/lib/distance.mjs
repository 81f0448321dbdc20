/** |a - b| / |b|, Euclidean. */
export function relativeDistance(a, b) {
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference += (a[i] - b[i]) ** 2;
  return Math.sqrt(difference) / norm(b);
}

/** Euclidean norm. */
export function norm(array) {
  let sum = 0;
  for (const value of array) sum += value * value;
  return Math.sqrt(sum);
}
