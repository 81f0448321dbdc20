// Taken once: under jest every look-up of a global costs more than the comparison itself.
const { abs } = Math;
const toNumber = Number;
const isFinite = Number.isFinite;

/** How far two numbers may be apart: `|got - want| <= atol + rtol * |want|`, as numpy's allclose has it. */
export interface Tolerance {
  readonly atol?: number;
  readonly rtol?: number;
}

const show = (value: number | bigint | undefined): string => String(value);

/**
 * Throws unless all numbers are close. NaN equals NaN, infinities equal themselves. The message names the worst place.
 *
 * @param tolerance a number is `atol` alone
 * @param label what is compared, for the message
 *
 * @example expectClose(out.dataSync(), golden.get('y').data, { atol: 1e-6, rtol: 1e-5 }, 'y')
 */
export function expectClose(
  got: ArrayLike<number | bigint>,
  want: ArrayLike<number | bigint>,
  tolerance: Tolerance | number = 0,
  label = 'array',
): void {
  const { atol = 0, rtol = 0 } = typeof tolerance === 'number' ? { atol: tolerance } : tolerance;
  if (!(atol >= 0 && rtol >= 0))
    throw new Error(`${label}: tolerance must be >= 0, got atol ${atol}, rtol ${rtol}`);
  if (got.length !== want.length) throw new Error(`${label}: got ${got.length} numbers, want ${want.length}`);

  let worst = -1;
  let worstExcess = 0;
  let wrong = 0;
  for (let i = 0; i < want.length; i++) {
    const g = toNumber(got[i]);
    const w = toNumber(want[i]);
    if (g === w || (g !== g && w !== w)) continue;
    const distance = abs(g - w);
    const allowed = atol + (isFinite(w) ? rtol * abs(w) : 0);
    // Written so that a NaN on one side counts as wrong.
    if (distance <= allowed) continue;
    wrong++;
    const excess = isFinite(distance) ? distance - allowed : Infinity;
    if (worst < 0 || excess > worstExcess) {
      worst = i;
      worstExcess = excess;
    }
  }
  if (wrong > 0) {
    const distance = abs(toNumber(got[worst]) - toNumber(want[worst]));
    throw new Error(
      `${label}: ${wrong} of ${want.length} numbers differ by more than atol ${atol} + rtol ${rtol} * |want|; ` +
        `worst at index ${worst}: got ${show(got[worst])}, want ${show(want[worst])} (apart by ${distance})`,
    );
  }
}
