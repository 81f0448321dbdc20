/** Length of one saccade in microseconds, as in N-MNIST. */
export const SACCADE = 100_000;

/** Three saccades make a recording. */
export const RECORDING = 3 * SACCADE;

/** Corners of the triangle that the picture travels, in pixels [right, down] from its middle. */
const CORNERS = [
  [-1.7, -1.3],
  [1.7, -1.3],
  [0, 1.9],
] as const;

/**
 * Where the picture is at `time` (microseconds): [right, down] in pixels from the middle of the sensor. It goes
 * round a triangle, one side per saccade, setting off and stopping softly.
 */
export function saccadeAt(time: number): [number, number] {
  const turn = Math.min(2, Math.floor(time / SACCADE));
  const u = Math.min(1, (time - turn * SACCADE) / SACCADE);
  const part = u * u * (3 - 2 * u);
  const from = CORNERS[turn] ?? CORNERS[0];
  const to = CORNERS[(turn + 1) % 3] ?? CORNERS[0];
  return [from[0] + part * (to[0] - from[0]), from[1] + part * (to[1] - from[1])];
}
