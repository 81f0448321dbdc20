import * as tf from '@tensorflow/tfjs';
import { gradients } from './gradients.js';

const CHECKPOINT = 'BidlCheckpoint';

/** What a function gives that the backward pass computes again. */
export interface Checkpointed {
  readonly out: tf.Tensor;
  /** Given beside it, outside differentiation; tensors of their own. */
  readonly aside?: readonly tf.Tensor[];
}

/** What it takes, and what it is differentiable in. */
export interface CheckpointArgs {
  /** Handed to the function. */
  readonly inputs: readonly tf.Tensor[];
  /** Read by the function itself. */
  readonly weights: readonly tf.Tensor[];
  /**
   * Whether an input is data, not another layer's output: its gradient is seldom wanted, and takes a pass of its own where
   * somebody asks for it.
   */
  readonly isData?: (input: number) => boolean;
}

type Repeatable = (inputs: readonly tf.Tensor[]) => Checkpointed;
type Attributes = Pick<CheckpointArgs, 'weights' | 'isData'> & { readonly f: Repeatable };

/**
 * `f(inputs)`, of which nothing but the inputs is kept for the backward pass: that computes it again, which costs a forward
 * pass and gives the same gradients, bit for bit.
 *
 * @param f must give the same whenever it is called with the same tensors
 */
export function checkpoint(f: Repeatable, args: CheckpointArgs): Required<Checkpointed> {
  register(tf.getBackend());
  const given = [...args.inputs, ...args.weights] as unknown as tf.NamedTensorMap;
  const attrs = { ...args, f } as unknown as tf.NamedAttrMap;
  const [out, ...aside] = tf.engine().runKernel<tf.Tensor[]>(CHECKPOINT, given, attrs);
  return { out, aside };
}

function register(backendName: string): void {
  if (tf.getKernel(CHECKPOINT, backendName) === undefined) {
    tf.registerKernel({
      kernelName: CHECKPOINT,
      backendName,
      kernelFunc: ({ inputs: given, attrs }) => {
        const { f, weights } = attrs as unknown as Attributes;
        const tensors = Object.values(given) as tf.Tensor[];
        return tf.tidy(() => {
          const { out, aside = [] } = f(tensors.slice(0, tensors.length - weights.length));
          return [out, ...aside];
        });
      },
    });
  }
  if (tf.getGradient(CHECKPOINT) !== undefined) return;
  tf.registerGradient({
    kernelName: CHECKPOINT,
    saveAllInputs: true,
    gradFunc: (dys, saved, attrs) => {
      const { f, weights, isData = () => false } = attrs as unknown as Attributes;
      const [dy] = [dys].flat();
      const inputs = saved.slice(0, saved.length - weights.length);
      const run = (xs: readonly tf.Tensor[]) =>
        gradients(() => f(inputs).out, xs, dy).map((g, i) => g ?? tf.zerosLike(xs[i]));
      const through = inputs.filter((_, i) => !isData(i));
      const together = run([...through, ...weights]);
      const ofInputs = inputs.map((x, i) =>
        isData(i) ? () => run([x])[0] : () => together[through.indexOf(x)],
      );
      const ofWeights = weights.map((_, i) => () => together[through.length + i]);
      // In the order of the kernel's inputs, which have no names.
      return Object.fromEntries([...ofInputs, ...ofWeights].entries());
    },
  });
}
