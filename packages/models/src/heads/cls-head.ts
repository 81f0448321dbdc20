import type { tf } from '@bidl/engine';
import { registry } from '@bidl/registry';
import { z } from 'zod';
import '../losses/cross-entropy.js';
import { losses, type Labels, type Loss } from '../losses/loss.js';
import { binaryCorrect, topKCorrect } from '../metrics/accuracy.js';

export const clsHeadSchema = z.strictObject({
  loss: losses.schema().default({ type: 'CrossEntropyLoss', loss_weight: 1 }),
  topk: z
    .union([z.number().int().positive(), z.array(z.number().int().positive()).min(1)])
    .default([1])
    .describe('accuracies to report'),
  cal_acc: z.boolean().default(false).describe('report accuracy while training'),
});

/** What turns a backbone's logits into a loss and an accuracy. */
export interface Head {
  readonly loss: Loss;
  readonly topk: readonly number[];
  readonly calAcc: boolean;
  /** How many samples are right for each k of `topk`. */
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

  correct(logits: tf.Tensor, labels: Labels, topk: readonly number[] = this.topk): number[] {
    if (logits.rank === 2 && (logits.shape[1] ?? 0) > 1) return topKCorrect(logits, labels, topk);
    const right = binaryCorrect(logits, labels);
    return topk.map((k) => (k > 1 ? (logits.shape[0] ?? 0) : right));
  }
}

heads.register({
  type: 'ClsHead',
  schema: clsHeadSchema,
  build: ({ loss, topk, cal_acc }) =>
    new ClsHead(losses.build(loss, undefined, 'model.head.loss'), [topk].flat(), cal_acc),
});
