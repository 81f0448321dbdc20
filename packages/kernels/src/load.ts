import { createRequire } from 'node:module';
import { KernelError } from './errors.js';

/** What the op library says of itself. */
export interface OpsInfo {
  /** Instruction set that its kernels run with on this processor. */
  readonly isa: 'avx512' | 'avx2' | 'baseline';
  /** Threads a kernel may use. */
  readonly threads: number;
  /**
   * How a pass (0 forward, 1 gradient in the kernel, 2 gradient in the input) of a convolution is best computed for an
   * input of that density: 0 by a dense library, 1 over the non-zero inputs, 2 in Winograd's form, 3 directly, by pairs of
   * pixels, 4 by looking up what eight spikes sum to.
   *
   * @param share of the input that is not zero
   * @param spikes 1 where the input holds 0 and 1 only
   * @param shape images, in_h, in_w, in_c, out_h, out_w, out_c, k_h, k_w, stride_h, stride_w, pad_h, pad_w
   */
  convWay(pass: number, share: number, spikes: number, ...shape: readonly number[]): number;
  /**
   * How a product [m, n] over k, of no transposed side, of a left (`transposed` 1) or a right one (2), is best computed for
   * such a left side: 0 by TensorFlow, 1 over its non-zeros, 2 by looking up sums of four rows, where it holds 0 and 1 only
   * (`spikes` 1), 3 whole.
   */
  productWay(transposed: number, share: number, spikes: number, m: number, k: number, n: number): number;
}

/** The loaded op library. */
export interface OpsLibrary extends OpsInfo {
  /** Whether a neuron of this name has been loaded. */
  hasNeuron(name: string): boolean;
  /** Loads a library of emitted neurons, for good. @throws Error when it can't be used */
  loadNeurons(file: string): void;
}

/**
 * Loads the op library, which registers its ops (`BidlScan`, `BidlScanGrad` and a few more) with the
 * TensorFlow that tfjs-node has loaded before. Loading it again, also from another thread, does nothing more.
 *
 * @throws KernelError when the file is missing, damaged, or does not fit this TensorFlow.
 */
export function loadOps(file: string): OpsLibrary {
  try {
    return createRequire(import.meta.url)(file) as OpsLibrary;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new KernelError(
      `the op library ${file} can't be loaded: ${reason}. Run \`bidl engine install\` again`,
      {
        cause,
      },
    );
  }
}
