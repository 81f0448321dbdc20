import { tf } from '@bidl/engine';
import { z } from 'zod';
import { checkLogits } from './cross-entropy.js';
import { rows } from './labels.js';
import { losses, type Labels, type Loss, type LossOptions } from './loss.js';
import { reduce, reductionKeys } from './reduce.js';

export const mseSchema = z.strictObject({
  correct_rate: z.number().default(1).describe("wanted firing rate of the label's class"),
  incorrect_rate: z.number().default(0).describe('wanted firing rate of the others'),
  ...reductionKeys,
});

export type MseArgs = z.input<typeof mseSchema>;

/**
 * Mean squared error between firing rates and the rates that the labels want: for networks whose output is the mean
 * of spikes over time. With the default rates it is the MSE against one-hot labels.
 */
export class MseLoss implements Loss {
  readonly type = 'MSELoss';
  private readonly args: z.output<typeof mseSchema>;

  constructor(args: MseArgs = {}) {
    this.args = mseSchema.parse(args);
  }

  compute(rates: tf.Tensor, labels: Labels, options: LossOptions = {}): tf.Tensor {
    const { correct_rate: high, incorrect_rate: low } = this.args;
    return tf.tidy(() => {
      const target = rows(checkLogits(rates, this.type), labels);
      const wanted = high === 1 && low === 0 ? target : target.mul(high - low).add(low);
      return reduce(rates.sub(wanted).square(), this.args, options);
    });
  }
}

losses.register({ type: 'MSELoss', schema: mseSchema, build: (args) => new MseLoss(args) });
