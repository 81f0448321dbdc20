import { lif } from '@bidl/dynamics';
import { graphBuilder, type ValueRef } from '../build/builder.js';
import { traceNeuron } from '../build/graph-ops.js';
import type { StepGraph } from '../graph.js';
import { lifParams, randomArray, randomNumbers } from './networks.js';

/** A network of random layers over a random image: every operation that networks use turns up before long. */
export function randomGraph(seed: number): StepGraph {
  const random = randomNumbers(seed);
  const whole = (low: number, high: number) => low + Math.floor(random() * (high - low + 1));
  const chance = (p: number) => random() < p;
  const b = graphBuilder({ name: `random${seed}`, timesteps: whole(1, 4) });
  let channels = 2 * whole(1, 2);
  let x = b.input('data', {
    shape: [whole(3, 8), whole(3, 8), channels],
    dtype: chance(0.5) ? 'uint8' : 'float32',
  });

  for (let i = 0; i < whole(1, 4); i++) {
    const layer = `l${i}`;
    const weight = (name: string, shape: readonly number[], scale = 1) =>
      b.weight(`${layer}/${name}`, randomArray(random, shape, scale));
    const [height, width] = x.type.shape;
    const stride = [whole(1, 2), whole(1, 2)] as const;
    switch (whole(0, 6)) {
      case 0:
      case 1: {
        const size = [Math.min(whole(1, 3), height), Math.min(whole(1, 3), width)] as const;
        const padding = [
          whole(0, size[0] - 1),
          whole(0, size[0] - 1),
          whole(0, size[1] - 1),
          whole(0, size[1] - 1),
        ] as const;
        const groups = chance(0.4) ? 2 : 1;
        const out = 2 * whole(1, 4);
        const kernel = weight('kernel', [...size, channels / groups, out], 0.5);
        x = b.conv2d(
          x,
          kernel,
          chance(0.7) ? weight('bias', [out]) : undefined,
          { stride, padding, groups },
          { layer },
        );
        channels = out;
        break;
      }
      case 2:
      case 3: {
        const size = [Math.min(whole(1, 3), height), Math.min(whole(1, 3), width)] as const;
        const padding = [whole(0, size[0] - 1), 0, whole(0, size[1] - 1), 0] as const;
        x = b[chance(0.5) ? 'maxPool' : 'avgPool'](x, { size, stride, padding }, { layer });
        break;
      }
      case 4:
        x = traceNeuron(
          b,
          layer,
          lif(chance(0.5) ? {} : { mode: 'analog', membMode: [0, 'tanh'] }),
          x,
          lifParams(b, layer),
        );
        break;
      case 5: {
        const node = (op: 'fire' | 'affine' | 'resetDecay', operands: ValueRef[], attrs = {}) =>
          b.node(op, operands, attrs, { layer });
        const v = b.load({ key: `${layer}/v`, shape: x.type.shape, initial: random() }, { layer });
        const u = node('affine', [
          b.node('add', [x, v], {}, { layer }),
          weight('scale', [channels]),
          weight('shift', [channels]),
        ]);
        const scalars = ['theta', 'v0', 'alpha', 'beta'].map((name) =>
          weight(name, chance(0.5) ? [] : [channels]),
        );
        b.save(`${layer}/v`, node('resetDecay', [u, ...scalars]), { layer });
        x = node('fire', [u], { threshold: random() });
        break;
      }
      default:
        x = b.node('mul', [b.node('relu', [x], {}, { layer }), weight('factor', [channels])], {}, { layer });
    }
  }
  const flat = chance(0.5)
    ? b.node('globalAvgPool', [x], {}, { layer: 'gap' })
    : b.reshape(x, [x.type.shape.reduce((p, q) => p * q, 1)], { layer: 'flat' });
  const kernel = b.weight('fc/kernel', randomArray(random, [flat.type.shape[0], 3]));
  b.output(
    'logits',
    b.dense(flat, kernel, chance(0.5) ? b.weight('fc/bias', randomArray(random, [3])) : undefined, {
      layer: 'fc',
    }),
  );
  b.output('features', flat);
  return b.build();
}
