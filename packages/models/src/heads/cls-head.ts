import { tf } from '@bidl/engine';
import { registry } from '@bidl/registry';
import { z } from 'zod';
import '../losses/builtin.js';
import { LossSum, lossOf, overTime } from '../losses/loss-sum.js';
import { losses, type Labels, type Loss, type LossOptions } from '../losses/loss.js';
import { binaryCorrect, topKCorrect } from '../metrics/accuracy.js';

export const clsHeadSchema = z.strictObject({
  loss: z
    .union([losses.schema(), z.array(losses.schema()).min(1)])
    .default({ type: 'CrossEntropyLoss', loss_weight: 1 })
    .describe('one loss, or several that are added up'),
  topk: z
    .union([z.number().int().positive(), z.array(z.number().int().positive()).min(1)])
    .default([1])
    .describe('accuracies to report'),
  cal_acc: z.boolean().default(false).describe('report accuracy while training'),
});

/** What turns a backbone's logits, `[B, K]` or those of every step `[B, T, K]`, into a loss and an accuracy. */
export interface Head {
  readonly loss: Loss;
  readonly topk: readonly number[];
  readonly calAcc: boolean;
  /** The loss, reduced as its config says. */
  compute(logits: tf.Tensor, labels: Labels, options?: LossOptions): tf.Tensor;
  /** How many samples are right for each k of `topk`, by the mean of their logits over time. */
  correct(logits: tf.Tensor, labels: Labels, topk?: readonly number[]): number[];
}

/** Heads by the names that configs use. */
export const heads = registry<Head>('head');

/** The classification head: logits as they come from the backbone, a loss, and top-k accuracy. */
export class ClsHead implements Head {
  constructor(
    readonly loss: Loss,
    readonly topk: readonly number[] = [1],
    readonly calAcc = false,
  ) {}

  compute(logits: tf.Tensor, labels: Labels, options?: LossOptions): tf.Tensor {
    return lossOf(this.loss, logits, labels, options);
  }

  correct(given: tf.Tensor, labels: Labels, topk: readonly number[] = this.topk): number[] {
    if (given.rank === 3) return tf.tidy(() => this.correct(overTime(given), labels, topk));
    const logits = given;
    if (logits.rank === 2 && (logits.shape[1] ?? 0) > 1) return topKCorrect(logits, labels, topk);
    const right = binaryCorrect(logits, labels);
    return topk.map((k) => (k > 1 ? (logits.shape[0] ?? 0) : right));
  }
}

heads.register({
  type: 'ClsHead',
  schema: clsHeadSchema,
  build: ({ loss, topk, cal_acc }) =>
    new ClsHead(
      Array.isArray(loss)
        ? new LossSum(loss.map((term, i) => losses.build(term, undefined, `model.head.loss[${i}]`)))
        : losses.build(loss, undefined, 'model.head.loss'),
      [topk].flat(),
      cal_acc,
    ),
});
