import { type NdArray, ndarray, sizeOf, transpose } from '@bidl/formats';

// Taken once: under jest every look-up of a global costs more than the sine itself.
const { sin, sqrt } = Math;

/** How the values of a parameter come about (fixtures/golden/RECIPE.md). */
export type RecipeKind = 'weight' | 'bias' | 'bn_weight' | 'bn_bias' | 'running_mean' | 'running_var';

/** Constructor values of a LIF neuron, for entries of kind `unchanged`. */
const LIF_CONSTANTS: Readonly<Record<string, number>> = { alpha: 0.3, beta: 0, theta: 0.5, v_0: 0 };

/** One row of a golden json's `state_dict`: `[i, key, shape, kind, dtype]`. */
type Row = readonly [
  index: number,
  key: string,
  shape: readonly number[],
  kind: RecipeKind | 'unchanged',
  dtype: string,
];

/**
 * Element values of state_dict entry number `i`: computed in float64, rounded once to float32.
 *
 * @param shape PyTorch's layout (OIHW, [out, in])
 * @param bnGain factor of BatchNorm weights, for the `gain_*` cases
 */
export function recipeValues(
  i: number,
  shape: readonly number[],
  kind: RecipeKind,
  bnGain = 1,
): Float32Array {
  const out = new Float32Array(sizeOf(shape));
  const fanIn = sizeOf(shape.slice(1));
  for (let j = 0; j < out.length; j++) {
    const s = sin(0.37 * i + 0.0113 * j + 1.3);
    out[j] = valueOf(kind, s, fanIn, bnGain);
  }
  return out;
}

function valueOf(kind: RecipeKind, s: number, fanIn: number, bnGain: number): number {
  switch (kind) {
    case 'weight':
      return sqrt(2 / fanIn) * s;
    case 'bias':
    case 'bn_bias':
      return 0.1 * s;
    case 'bn_weight':
      return bnGain * (1 + 0.1 * s);
    case 'running_mean':
      return 0.05 * s;
    case 'running_var':
      return 1 + 0.2 * s * s;
  }
}

/**
 * All weights of a golden backbone, by state_dict key, in the state_dict's order and PyTorch's layout.
 * Entries of kind `unchanged` hold what the constructor leaves there: neuron constants (`lifplus_constants` of the json
 * for LifPlus), 0 for `num_batches_tracked` (int64), the weights themselves for the alias `embedding_fc.weight`.
 *
 * @param json the golden json (needs `state_dict`)
 */
export function recipe(json: Readonly<Record<string, unknown>>): Map<string, NdArray> {
  const rows = rowsOf(json);
  const gain = typeof json.bn_gain === 'number' ? json.bn_gain : 1;
  const constants = { ...LIF_CONSTANTS, ...numbersOf(json.lifplus_constants) };

  const weights = new Map<string, NdArray>();
  for (const [i, key, shape, kind] of rows) {
    if (kind !== 'unchanged') weights.set(key, ndarray(recipeValues(i, shape, kind, gain), shape));
  }
  // The alias comes before or after the weights that it shows, so it is resolved when all of them are there.
  for (const [, key, shape, kind, dtype] of rows) {
    if (kind === 'unchanged') weights.set(key, unchanged(key, shape, dtype, constants, weights));
  }
  return new Map(rows.map(([, key]) => [key, get(weights, key)]));
}

function get(weights: ReadonlyMap<string, NdArray>, key: string): NdArray {
  const array = weights.get(key);
  if (!array) throw new Error(`the recipe has no ${key}`);
  return array;
}

function rowsOf(json: Readonly<Record<string, unknown>>): readonly Row[] {
  const rows = json.state_dict;
  if (!Array.isArray(rows) || !rows.every((row) => Array.isArray(row) && row.length === 5)) {
    throw new Error(
      `golden json ${String(json.case)} is not made by the recipe: its weights are stored, see param/*`,
    );
  }
  return rows as readonly Row[];
}

function unchanged(
  key: string,
  shape: readonly number[],
  dtype: string,
  constants: Readonly<Record<string, number>>,
  weights: ReadonlyMap<string, NdArray>,
): NdArray {
  if (key === 'embedding_fc.weight') return transpose(get(weights, 'embedding.weight'), [1, 0]);
  const name = key.slice(key.lastIndexOf('.') + 1);
  if (name === 'num_batches_tracked') return ndarray(new BigInt64Array(sizeOf(shape)), shape, 'int64');
  const value = constants[name];
  if (value === undefined || dtype !== 'float32')
    throw new Error(`the recipe has no value for ${key} (${dtype})`);
  return ndarray(new Float32Array(sizeOf(shape)).fill(value), shape);
}

/** The numbers among a json object's fields. */
function numbersOf(value: unknown): Record<string, number> {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return Object.fromEntries(
    entries.filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  );
}
