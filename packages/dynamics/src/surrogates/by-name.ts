import { gaussian, piecewiseExponential, triangle } from './piecewise.js';
import { arctan, fastSigmoid, sigmoid } from './smooth.js';
import type { Surrogate } from './surrogate.js';
import { irnet, reactnet, rectangle, rectangleInfer } from './upstream.js';

/** Every surrogate by the names that configs use (upstream's spelling where it has one). */
export const SURROGATES = {
  Rectangle: rectangle,
  Rectangle_INFER: rectangleInfer,
  IRNet: irnet,
  ReActNet: reactnet,
  ArcTan: arctan,
  FastSigmoid: fastSigmoid,
  Sigmoid: sigmoid,
  Triangle: triangle,
  PiecewiseExponential: piecewiseExponential,
  Gaussian: gaussian,
} as const satisfies Readonly<Record<string, (args?: Record<string, number>) => Surrogate>>;

export type SurrogateName = keyof typeof SURROGATES;

/** True for a name in {@link SURROGATES}. */
export const isSurrogateName = (name: string): name is SurrogateName => Object.hasOwn(SURROGATES, name);
