import type { tf } from '@bidl/engine';

/** The objective at distance t along a search direction. */
export interface Trial {
  readonly t: number;
  readonly loss: number;
  readonly gradient: tf.Tensor;
  /** Of the loss along the direction. */
  readonly slope: number;
}

export interface LineSearch {
  /** Where the search ended. */
  readonly end: Trial;
  readonly evaluations: number;
}

/** Sufficient decrease, and how much flatter the slope must become. */
const [DECREASE, FLATTER] = [1e-4, 0.9];

export interface LineSearchLimits {
  /** The largest component of the direction, which says how far a distance t moves. */
  readonly length: number;
  /** An interval that moves less than this is left as it is. */
  readonly tolerance: number;
  /** Trials after the first. */
  readonly more: number;
}

/**
 * Line search to a point that satisfies the strong Wolfe conditions (Nocedal & Wright, Numerical Optimization,
 * algorithms 3.5 and 3.6), with cubic interpolation; the safeguards and constants are those of torch.optim.LBFGS.
 *
 * @param at evaluates a trial at distance t
 * @param start the trial at t = 0
 * @param first the first distance to try
 */
export function strongWolfe(
  at: (t: number) => Trial,
  start: Trial,
  first: number,
  { length, tolerance, more }: LineSearchLimits,
): LineSearch {
  let trials = 0;
  const tryAt = (t: number): Trial => {
    trials += 1;
    return at(t);
  };
  const tooHigh = ({ t, loss }: Trial) => loss > start.loss + DECREASE * t * start.slope;
  const isFlat = ({ slope }: Trial) => Math.abs(slope) <= -FLATTER * start.slope;

  // go outwards until an interval must hold a good point
  let before = start;
  let now = tryAt(first);
  let bracket: [Trial, Trial] | undefined;
  while (bracket === undefined && trials <= more) {
    if (tooHigh(now) || (trials > 2 && now.loss >= before.loss)) bracket = [before, now];
    else if (isFlat(now)) return { end: now, evaluations: trials };
    else if (now.slope >= 0) bracket = [before, now];
    else {
      const bounds = [now.t + 0.01 * (now.t - before.t), now.t * 10] as const;
      const next = cubicMinimum(before, now, bounds);
      before = now;
      now = tryAt(next);
    }
  }
  let [low, high] = inOrder(bracket ?? [start, now]);

  // close in on it
  let slow = false;
  while (trials <= more && Math.abs(high.t - low.t) * length >= tolerance) {
    const [left, right] = low.t < high.t ? [low.t, high.t] : [high.t, low.t];
    let t = cubicMinimum(low, high, [left, right]);
    // a trial beside an end of the interval makes no progress: the second time, keep away from the end
    const margin = 0.1 * (right - left);
    const beside = Math.min(right - t, t - left) < margin;
    const moved: boolean = beside && (slow || t >= right || t <= left);
    if (moved) t = Math.abs(t - right) < Math.abs(t - left) ? right - margin : left + margin;
    slow = beside && !moved;

    const trial = tryAt(t);
    if (tooHigh(trial) || trial.loss >= low.loss) {
      [low, high] = inOrder([low, trial]);
      continue;
    }
    if (isFlat(trial)) return { end: trial, evaluations: trials };
    if (trial.slope * (high.t - low.t) >= 0) high = low;
    low = trial;
  }
  return { end: low, evaluations: trials };
}

const inOrder = ([a, b]: readonly [Trial, Trial]): [Trial, Trial] => (a.loss <= b.loss ? [a, b] : [b, a]);

/** Where the cubic through both losses and slopes is least, kept within bounds. */
function cubicMinimum(one: Trial, other: Trial, [least, most]: readonly [number, number]): number {
  const [a, b] = one.t <= other.t ? [one, other] : [other, one];
  const d1 = a.slope + b.slope - (3 * (a.loss - b.loss)) / (a.t - b.t);
  const square = d1 * d1 - a.slope * b.slope;
  if (!(square >= 0)) return (least + most) / 2;
  const d2 = Math.sqrt(square);
  const minimum = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2));
  return Math.min(Math.max(minimum, least), most);
}
