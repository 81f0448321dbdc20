import {
  channelsLast,
  expectClose,
  golden,
  goldenCases,
  oihwToHwio,
  oiToIo,
  type Golden,
} from '@bidl/testing';
import { NeuronDefinitionError } from '../neuron.js';
import { referenceScan, type ReferenceScanArgs } from '../reference/scan.js';
import { arctan } from '../surrogates/smooth.js';
import { rectangle } from '../surrogates/upstream.js';
import {
  ACCUMULATIONS,
  DECAYS,
  INITIATIONS,
  REFRACTORIES,
  TRIGGERS,
  type LifPlusFeatures,
} from './lif-plus-features.js';
import { lifPlus, LIF_PLUS_VARIANTS, type LifPlusOptions } from './lif-plus.js';
import type { Activation, MembraneTap } from './output.js';

type Array = ReturnType<Golden['get']>;
const NAMES = goldenCases('neurons', /plus_/);

test('every LIF+ case of the golden data is here', () => {
  expect(NAMES).toHaveLength(94);
});

describe('the reference interpreter against upstream', () => {
  test.each(NAMES)('%s', (name) => {
    const data = golden('neurons', name);
    const { json, arrays } = data;
    const tolerance = json.tolerance as { atol: number; rtol: number };
    const current = synapse(data);
    const [batch = 0, steps = 0] = current.shape;
    const numbers = (key: string) => (arrays.get(key) as { data: Float32Array } | undefined)?.data;
    const own = (key: string) => numbers(key) ?? numbers(`param/${key}`) ?? numbers(`param/lifplus.${key}`);
    const gamma = own('norm.weight');
    const neuron = lifPlus(optionsOf(json.ctor ?? {}, json['memb_mode']));
    const scan = referenceScan(neuron, {
      x: current.data as Float32Array,
      batch,
      steps,
      params: Object.fromEntries(Object.keys(neuron.params).map((key) => [key, own(key)!])),
      surrogate: rectangle(),
      training: json['mode'] === 'train',
      ...(gamma && {
        norm: {
          gamma,
          beta: own('norm.bias')!,
          mean: own('norm.running_mean')!,
          variance: own('norm.running_var')!,
        },
      }),
    });
    expectClose(scan.out, sequence(data.get('out')).data as Float32Array, tolerance, 'out');
    const v = Float64Array.from(scan.trace.flatMap((state) => [...state['v']]));
    expectClose(v, timeFirst(data.get('v')).data as Float32Array, tolerance, 'v');

    const gradients = scan.backward(sequence(data.get('w')).data as Float32Array);
    if (arrays.has('param/p0.bias')) {
      const channels = numbers('param/p0.bias')!.length;
      const bias = new Float64Array(channels);
      gradients.x.forEach((g, i) => (bias[i % channels] += g));
      expectClose(bias, numbers('grad/p0.bias')!, tolerance, 'grad/p0.bias');
      expectClose(gradients.gamma!, numbers('grad/lifplus.norm.weight')!, tolerance, 'grad/norm.weight');
      expectClose(gradients.beta!, numbers('grad/lifplus.norm.bias')!, tolerance, 'grad/norm.bias');
    } else {
      expectClose(gradients.x, sequence(data.get('grad/x')).data as Float32Array, tolerance, 'grad/x');
    }
    for (const [key, values] of Object.entries({ mean: 'running_mean', variance: 'running_var' })) {
      const want = numbers(`after/lifplus.norm.${values}`);
      if (want) expectClose(scan.running![key as 'mean'], want, tolerance, values);
    }
  });
});

const x = [0.3, 0.3, 0.3, 0.3, 0.6, -0.2, 0.1];
const run = (options: LifPlusOptions, args: Partial<ReferenceScanArgs> = {}) =>
  referenceScan(lifPlus({ variant: 'documented', ...options }), {
    x,
    batch: 1,
    steps: (args.x ?? x).length,
    surrogate: rectangle(),
    ...args,
  });
const trace = (scan: ReturnType<typeof run>, name: string) => scan.trace.map((state) => state[name][0]);
const CLOSE = { atol: 1e-6, rtol: 1e-6 };

describe('what the manual says', () => {
  test('the membrane integrates: with leak 1 it goes to the input at the rate τ⁻¹', () => {
    const steps = new Array<number>(8).fill(0.4);
    const scan = run({}, { x: steps, params: { alpha: [1] } });
    expectClose(
      trace(scan, 'v'),
      steps.map((_, t) => 0.4 * (1 - 0.5 ** (t + 1))),
      CLOSE,
    );
  });
  test('EXD is that decay alone, and keeps the reset', () => {
    const scan = run({ decay: 'EXD' }, { x: [0.4, 0.4, 4, 0.4] });
    expect([...scan.out]).toEqual([0, 0, 1, 0]);
    expectClose(trace(scan, 'v'), [0.2, 0.3, 0, 0.2], CLOSE);
  });
  test('LID decays by v_leak a step, and keeps the reset', () => {
    const scan = run({ decay: 'LID' }, { x: [0.2, 0, 0, 0.6, 0] });
    expect([...scan.out]).toEqual([0, 0, 0, 1, 0]);
    expectClose(trace(scan, 'v'), [0.15, 0.1, 0.05, 0, -0.05], CLOSE);
  });
  test('AR stops all input for ten steps after a spike', () => {
    const steps = new Array<number>(24).fill(2);
    const { out } = run({ refractory: 'AR', decay: 'EXD' }, { x: steps });
    expect([...out].flatMap((s, t) => (s ? [t] : []))).toEqual([0, 11, 22]);
  });
  test('EXI raises the membrane by ΔT·exp((v − θ)/ΔT)', () => {
    const scan = run({ initiation: 'EXI' }, { x: [0] });
    expectClose(trace(scan, 'v'), [0.3 * 0.5 * 0.2 * Math.exp(-0.5 / 0.2)], CLOSE);
  });
  test('RR and ADT pull the membrane down after a spike', () => {
    const after = (options: LifPlusOptions, drive: number) =>
      trace(run({ decay: 'EXD', ...options }, { x: [drive, 0] }), 'v')[1];
    expectClose([after({ trigger: 'ADT' }, 2)], [-0.75 * 0.1], CLOSE);
    expectClose([after({ trigger: 'ADT' }, 0)], [0], CLOSE);
    expect(after({ refractory: 'RR' }, 4)).not.toBeCloseTo(after({ refractory: 'RR' }, 0), 3);
  });
  test('COBE reaches x / ε, COBA e·x / ε', () => {
    const steps = new Array<number>(80).fill(0.01);
    const g = (accumulation: 'COBE' | 'COBA') => trace(run({ accumulation }, { x: steps }), 'g').at(-1)!;
    expectClose([g('COBE'), g('COBA')], [0.04, 0.04 * Math.E], { rtol: 1e-4 });
  });
});

describe('every combination of features has the derivative that finite differences find', () => {
  const input = Array.from({ length: 24 }, (_, i) => 0.5 + 0.5 * Math.sin(7 * i));
  const combinations: LifPlusFeatures[] = [];
  for (const accumulation of ACCUMULATIONS)
    for (const refractory of REFRACTORIES)
      for (const initiation of INITIATIONS)
        for (const trigger of TRIGGERS)
          for (const decay of DECAYS)
            for (const reversal of accumulation === 'CUB' ? [false] : [false, true])
              combinations.push({ accumulation, reversal, refractory, initiation, trigger, decay });

  test.each(LIF_PLUS_VARIANTS)('%s', (variant) => {
    expect(combinations).toHaveLength(405);
    for (const features of combinations) {
      const neuron = lifPlus({ ...features, variant });
      const scan = (values: readonly number[]) =>
        referenceScan(neuron, {
          x: values,
          batch: 4,
          steps: 3,
          surrogate: arctan(),
          precision: 'float64',
          smooth: true,
          training: true,
          norm: { gamma: [1.2], beta: [0.1], mean: [0], variance: [1] },
        });
      const weights = input.map((_, i) => Math.cos(3 * i));
      const total = (values: readonly number[]) =>
        scan(values).out.reduce((sum, v, i) => sum + v * weights[i], 0);
      const direction = input.map((_, i) => Math.sin(5 * i + 1));
      const h = 3e-5;
      const moved = (d: number) => total(input.map((v, i) => v + d * direction[i]));
      const slope = (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h);
      const gradient = scan(input).backward(weights).x;
      const got = gradient.reduce((sum, g, i) => sum + g * direction[i], 0);
      expectClose([got], [slope], { atol: 1e-8, rtol: 1e-6 }, JSON.stringify(features));
    }
  });
});

test('unknown features are refused with what is allowed', () => {
  expect(() => lifPlus({ accumulation: 'COB' as 'CUB' })).toThrow(NeuronDefinitionError);
  expect(() => lifPlus({ accumulation: 'COB' as 'CUB' })).toThrow('use CUB, COBE, COBA');
  expect(() => lifPlus({ reversal: true })).toThrow('use accumulation COBE or COBA');
  expect(() => lifPlus({ variant: 'paper' as 'faithful' })).toThrow('use faithful or documented');
  expect(() => lifPlus({ membMode: [4 as 3, 'relu'] })).toThrow('lif+: memb_mode[0] is 4');
});

function optionsOf(ctor: Readonly<Record<string, unknown>>, membMode: unknown): LifPlusOptions {
  const code = <T>(names: readonly T[], key: string) => names[Number(ctor[key])];
  const tap = (ctor['memb_mode'] ?? membMode) as [MembraneTap, Activation] | undefined;
  return {
    accumulation: code(ACCUMULATIONS, 'input_accum'),
    reversal: ctor['rev_volt'] === true,
    refractory: code(REFRACTORIES, 'fire_refrac'),
    initiation: code(INITIATIONS, 'spike_init'),
    trigger: code(TRIGGERS, 'trig_current'),
    decay: code(DECAYS, 'memb_decay'),
    mode: (ctor['mode'] ?? 'spike') as 'spike' | 'analog',
    ...(tap && { membMode: tap }),
  };
}

/** `[B, T, ...]`, channels last. */
const sequence = (array: Array): Array => (array.shape.length === 5 ? channelsLast(array) : array);

/** `[T, B, ...]`, channels last. */
function timeFirst(array: Array): Array {
  const { data, shape } = sequence(array);
  const [batch = 0, steps = 0, ...rest] = shape;
  const size = rest.reduce((a, b) => a * b, 1);
  const turned = new Float32Array(data.length);
  for (let b = 0; b < batch; b++) {
    for (let t = 0; t < steps; t++) {
      const from = (b * steps + t) * size;
      turned.set((data as Float32Array).subarray(from, from + size), (t * batch + b) * size);
    }
  }
  return { ...array, data: turned, shape: [steps, batch, ...rest] };
}

/** The neurons' input of a case: x itself, or what its linear layer or 3x3 convolution makes of it. */
function synapse(data: Golden): Array {
  const x = sequence(data.get('x'));
  const weight = data.arrays.get('param/p0.weight');
  if (!weight) return x;
  const bias = data.get('param/p0.bias').data as Float32Array;
  const dense = weight.shape.length === 2;
  const [batch = 1, steps = 1, height = 1, width = 1] = dense ? [x.shape[0], x.shape[1], 1, 1] : x.shape;
  const inner = x.shape.at(-1) ?? 1;
  const kernel = (dense ? oiToIo(weight) : oihwToHwio(weight)).data as Float32Array;
  const size = dense ? 1 : 3;
  const outer = bias.length;
  const out = new Float32Array(batch * steps * height * width * outer);
  const values = x.data as Float32Array;
  for (let i = 0; i < out.length; i++) {
    const o = i % outer;
    const column = Math.floor(i / outer) % width;
    const row = Math.floor(i / (outer * width)) % height;
    const image = Math.floor(i / (outer * width * height));
    let sum = bias[o];
    for (let ky = 0; ky < size; ky++) {
      for (let kx = 0; kx < size; kx++) {
        const [iy, ix] = [row + ky - (size >> 1), column + kx - (size >> 1)];
        if (iy < 0 || ix < 0 || iy >= height || ix >= width) continue;
        for (let c = 0; c < inner; c++) {
          const value = values[((image * height + iy) * width + ix) * inner + c];
          sum += value * kernel[((ky * size + kx) * inner + c) * outer + o];
        }
      }
    }
    out[i] = sum;
  }
  const shape = [...x.shape.slice(0, -1), outer];
  return { ...x, data: out, shape };
}
