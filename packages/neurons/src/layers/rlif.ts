import type { NeuronDefinition } from '@bidl/dynamics';
import {
  neuronScan,
  neuronStep,
  tf,
  type Norm,
  type Running,
  type ScanArgs,
  type ScanResult,
} from '@bidl/engine';
import { LayerError } from '../errors.js';
import { torchDefault } from '../init/torch-default.js';
import { FcLif, type FcLifArgs } from './fc-lif.js';
import type { State, Stepped } from './stateful.js';

/** The state variable that holds what the neurons gave in the step before. */
export const FEEDBACK = 'feedback';

/**
 * A linear synapse and neurons that also hear each other: `[B, T, F] -> [B, T, hidden_channel]`. The input of step t is
 * x_t·W + b + out_{t−1}·R, with the outputs of the step before (zero at first). Any neuron: LIF, or one of your own.
 *
 * Weights: those of {@link FcLif} and `<layer>/recurrent/kernel` `[hidden_channel, hidden_channel]`, which starts as
 * PyTorch's recurrent layers do.
 *
 * @example
 * const out = new RLif({ hidden_channel: 128, name: 'rlif1' }).apply(tf.randomNormal([2, 100, 700]));
 */
export class RLif extends FcLif {
  static override readonly className: string = 'RLif';
  private recurrent: tf.LayerVariable | undefined;

  constructor(args: FcLifArgs) {
    super(args);
    if (FEEDBACK in this.neuron.state) {
      throw new LayerError(
        this.name,
        `has a neuron with a state "${FEEDBACK}", which the layer itself needs`,
      );
    }
  }

  protected override buildSynapse(inputShape: tf.Shape): void {
    super.buildSynapse(inputShape);
    const units = this.currentShape(inputShape)[2] ?? 0;
    const { kernel } = torchDefault(units, this.seed, `${this.name}/recurrent`);
    this.recurrent = this.addWeight('recurrent/kernel', [units, units], 'float32', kernel);
  }

  protected override scan(
    { state = {}, norm, seed = 0, ...rest }: ScanArgs,
    neuron: NeuronDefinition,
  ): ScanResult {
    if (neuron !== this.neuron) {
      throw new LayerError(this.name, 'feeds its output back, so it can show nothing in its place');
    }
    const { x } = rest;
    const [batch = 1, steps = 1, units = 1] = x.shape;
    let { [FEEDBACK]: heard = tf.zeros([batch, units]), ...own }: State = state;
    let running: Running | undefined;
    // Not a slice per step inside a differentiated loop: its gradient would be padded to full size T times over.
    const inputs = steps === 1 ? [x.squeeze<tf.Tensor2D>([1])] : tf.unstack(x, 1);
    const outs = inputs.map((input, t) => {
      const scan = neuronScan(this.neuron, {
        ...rest,
        x: input.add(this.hear(heard)).expandDims(1),
        ...(Object.keys(own).length > 0 && { state: own }),
        ...(norm && { norm }),
        seed: seed + t,
      });
      own = scan.state;
      running = norm && scan.running ? advance(norm, running, scan.running) : undefined;
      heard = scan.out.squeeze([1]);
      return heard;
    });
    return { out: tf.stack(outs, 1), state: { ...own, [FEEDBACK]: heard }, ...(running && { running }) };
  }

  protected override scanStep({ x, state, ...rest }: Parameters<typeof neuronStep>[1]): Stepped {
    const { [FEEDBACK]: heard = tf.zerosLike(x), ...own } = state;
    const { out, state: next } = neuronStep(this.neuron, { ...rest, x: x.add(this.hear(heard)), state: own });
    return { out, state: { ...next, [FEEDBACK]: out } };
  }

  override initialState(inputShape: readonly number[]): State {
    const own = super.initialState(inputShape);
    const [like] = Object.values(own);
    return like ? { ...own, [FEEDBACK]: tf.zerosLike(like) } : own;
  }

  private hear(heard: tf.Tensor): tf.Tensor {
    if (!this.recurrent)
      throw new LayerError(this.name, 'is used before it is built: apply it to an input first');
    return tf.matMul(heard as tf.Tensor2D, this.recurrent.read() as tf.Tensor2D);
  }
}

/**
 * Running statistics over one more step. Each step's scan starts from those before the sequence (`norm`), so that what
 * it gives takes no part in the gradient; the step's own share is the difference.
 */
function advance(norm: Norm, before: Running | undefined, now: Running): Running {
  if (!before) return now;
  const rest = 1 - norm.momentum;
  const next = (name: 'mean' | 'variance') => before[name].sub(norm[name]).mul(rest).add(now[name]);
  return { mean: next('mean'), variance: next('variance') };
}

tf.serialization.registerClass(RLif);
