import type { Node } from '../graph.js';
import type { Padding, Window } from '../ops/geometry.js';
import type { Kernel } from './elementwise.js';

type Numbers = Float32Array;
// Taken once: a look-up of a global can cost more than the sum itself (jest runs modules behind a proxy).
const { fround: f32, max, min } = Math;

/** Inputs whose products are added up on their own, before their sum joins the rest. */
const FOUR = 4;

/** Every sum starts here: at the bias, or at zero. */
function startAtBias(out: Numbers, bias: Numbers | undefined): void {
  if (!bias) out.fill(0);
  else for (let i = 0; i < out.length; i += bias.length) out.set(bias, i);
}

/** Adds x·weights to `count` sums. The product is rounded, then the sum (by being stored); 1·w needs no rounding. */
function accumulate(
  sums: Numbers,
  at: number,
  x: number,
  weights: Numbers,
  from: number,
  count: number,
): void {
  if (x === 1) for (let o = 0; o < count; o++) sums[at + o] += weights[from + o];
  else for (let o = 0; o < count; o++) sums[at + o] += f32(x * weights[from + o]);
}

/**
 * Adds what `inputs` numbers from x[first] on contribute to the `count` sums from out[at] on. Weights of one input lie
 * side by side from `weights[row]` on, those of the next `stride` further. The order of every sum is fixed here: four
 * inputs at a time, zeros left out, the products of the four added up in order and their sum added to the rest.
 */
function addInFours(count: number): (...args: Parameters<typeof addAll>) => void {
  const four = new Float32Array(count);
  function addAll(
    out: Numbers,
    at: number,
    x: Numbers,
    first: number,
    inputs: number,
    weights: Numbers,
    row: number,
    stride: number,
  ): void {
    for (let i = 0; i < inputs; i += FOUR) {
      const end = min(i + FOUR, inputs);
      let some = 0;
      let last = 0;
      for (let k = i; k < end; k++) {
        if (x[first + k] === 0) continue;
        some++;
        last = k;
      }
      if (some === 0) continue;
      if (some === 1) {
        accumulate(out, at, x[first + last], weights, row + last * stride, count);
        continue;
      }
      four.fill(-0); // the one number that changes nothing when it is added to
      for (let k = i; k <= last; k++) {
        if (x[first + k] !== 0) accumulate(four, 0, x[first + k], weights, row + k * stride, count);
      }
      for (let o = 0; o < count; o++) out[at + o] += four[o];
    }
  }
  return addAll;
}

/** x·kernel + bias: from the bias on, by input in fours. */
export function denseKernel(out: Numbers, [x, kernel, bias]: readonly Numbers[]): Kernel {
  const add = addInFours(out.length);
  return () => {
    startAtBias(out, bias);
    add(out, 0, x, 0, x.length, kernel, 0, out.length);
  };
}

/** Convolution: for each output from the bias on, by ky, kx, ci in fours; what lies outside adds nothing. */
export function convKernel(
  out: Numbers,
  [x, kernel, bias]: readonly Numbers[],
  node: Node,
  [height, width, channels]: readonly number[],
  [kh, kw, inner, outer]: readonly number[],
): Kernel {
  const [rows, columns] = node.type.shape;
  const [sy, sx] = node.attrs.stride as readonly number[];
  const [top, , left] = node.attrs.padding as unknown as Padding;
  const groups = node.attrs.groups as number;
  const perGroup = outer / groups;
  const add = addInFours(perGroup);
  return () => {
    startAtBias(out, bias);
    for (let oy = 0, at = 0; oy < rows; oy++) {
      for (let ox = 0; ox < columns; ox++, at += outer) {
        for (let ky = 0; ky < kh; ky++) {
          const iy = oy * sy - top + ky;
          if (iy < 0 || iy >= height) continue;
          for (let kx = 0; kx < kw; kx++) {
            const ix = ox * sx - left + kx;
            if (ix < 0 || ix >= width) continue;
            const pixel = (iy * width + ix) * channels;
            const tap = (ky * kw + kx) * inner * outer;
            for (let g = 0; g < groups; g++) {
              const first = g * perGroup;
              add(out, at + first, x, pixel + g * inner, inner, kernel, tap + first, outer);
            }
          }
        }
      }
    }
  };
}

/** Largest or mean of each window, row by row. A mean is the sum times float32(1/n), n the cells inside the border. */
export function poolKernel(
  out: Numbers,
  x: Numbers,
  node: Node,
  [height, width, channels]: readonly number[],
): Kernel {
  const [rows, columns] = node.type.shape;
  const { size, stride, padding } = node.attrs as unknown as Window;
  const largest = node.op === 'maxPool';
  return () => {
    for (let oy = 0, at = 0; oy < rows; oy++) {
      const y = oy * stride[0] - padding[0];
      const [y0, y1] = [max(y, 0), min(y + size[0], height)];
      for (let ox = 0; ox < columns; ox++) {
        const left = ox * stride[1] - padding[2];
        const [x0, x1] = [max(left, 0), min(left + size[1], width)];
        const share = f32(1 / ((y1 - y0) * (x1 - x0)));
        for (let c = 0; c < channels; c++, at++) {
          let result = largest ? -Infinity : 0;
          for (let iy = y0; iy < y1; iy++) {
            for (let ix = x0; ix < x1; ix++) {
              const value = x[(iy * width + ix) * channels + c];
              if (!largest) result = f32(result + value);
              else if (value > result) result = value;
            }
          }
          out[at] = largest ? result : result * share;
        }
      }
    }
  };
}

/** Mean over the image: the sum, row by row, times float32(1/n). */
export function globalAvgKernel(out: Numbers, x: Numbers): Kernel {
  const channels = out.length;
  const share = f32(1 / (x.length / channels));
  return () => {
    out.fill(0);
    for (let i = 0; i < x.length; i += channels) {
      for (let c = 0; c < channels; c++) out[c] += x[i + c];
    }
    for (let c = 0; c < channels; c++) out[c] *= share;
  };
}
