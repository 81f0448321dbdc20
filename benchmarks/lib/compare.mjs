// Is what we compute what the peer computes? Asked before anything is timed.
import { loadSafetensors } from '@bidl/formats';
import { norm, relativeDistance } from './distance.mjs';

/**
 * How far apart two float32 computations of one network may be. The yardstick is the peer itself: its float32 run
 * against its float64 run shows what rounding alone does to this array (in a spiking network a membrane within rounding of
 * its threshold fires in one and not in the other, and the layers behind it see another input). Ours, which sums in
 * another order, may be SLACK times as far from the peer.
 */
const SLACK = 4;
/**
 * The least that is allowed, relative. Few membranes are that close to the threshold, or to the edge of the surrogate's
 * window, so the yardstick may have none of them where ours has one; one at the edge moves a gradient of the first layer by
 * 4e-4.
 */
const FLOOR = { gradients: 2e-3, outputs: 1e-4 };
/** A gradient that is zero but for rounding (a bias in front of a BatchNorm) has no relative distance: share of the largest. */
const NOTHING = 1e-4;

/**
 * @param ours arrays by name
 * @param file what the peer saved: the same names, and each under `float64/` in double precision
 * @throws an Error that names every array that is too far away
 * @returns the largest relative distances
 */
export function compare(ours, file, peer) {
  const { tensors } = loadSafetensors(file);
  const norms = new Map([...ours].map(([name, array]) => [name, norm(array)]));
  const largest = Math.max(...[...norms].filter(([name]) => name.startsWith('grad/')).map(([, n]) => n));
  const wrong = [];
  const found = {};
  for (const [name, array] of ours) {
    const theirs = tensors.get(name)?.data;
    const exact = tensors.get(`float64/${name}`)?.data;
    if (theirs === undefined || exact === undefined || theirs.length !== array.length) {
      wrong.push(`${name}: ${peer} has no such array of ${array.length}`);
      continue;
    }
    if (name.startsWith('grad/') && norms.get(name) < NOTHING * largest) continue;
    const apart = relativeDistance(array, theirs);
    const kind = name.startsWith('grad/') ? 'gradients' : name;
    const allowed = Math.max(FLOOR[kind] ?? FLOOR.outputs, SLACK * relativeDistance(theirs, exact));
    if (!(apart <= allowed))
      wrong.push(`${name}: ${apart.toExponential(1)}, rounding explains ${allowed.toExponential(1)}`);
    if (allowed < 1) found[kind] = Math.max(found[kind] ?? 0, apart);
  }
  if (wrong.length > 0) throw new Error(`bench: ours and ${peer} differ\n  ${wrong.join('\n  ')}`);
  return { found, activity: [...(tensors.get('activity')?.data ?? [])] };
}
