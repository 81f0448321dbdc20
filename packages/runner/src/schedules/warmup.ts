import { z } from 'zod';

/** The warm-up keys that every policy accepts beside its own, in mmcv's spelling. */
export const warmupKeys = {
  warmup: z.enum(['constant', 'linear', 'exp']).nullish(),
  warmup_iters: z.int().nonnegative().nullish(),
  warmup_ratio: z.number().min(0).max(1).nullish(),
  warmup_by_epoch: z.boolean().nullish(),
};

/** What a config may say about warm-up. */
export type WarmupConfig = { readonly [K in keyof typeof warmupKeys]?: z.output<(typeof warmupKeys)[K]> };

/** A rate that grows from `ratio` times the wanted one, over `iters` iterations. */
export interface Warmup {
  readonly mode: 'constant' | 'linear' | 'exp';
  readonly iters: number;
  readonly ratio: number;
}

/** The warm-up that a config asks for; `warmup_iters` without `warmup` means linear, as upstream has it. */
export function warmupOf(config: WarmupConfig, itersPerEpoch: number): Warmup | undefined {
  const { warmup, warmup_iters, warmup_ratio, warmup_by_epoch } = config;
  if (!warmup_iters) return undefined;
  return {
    mode: warmup ?? 'linear',
    iters: warmup_by_epoch ? warmup_iters * itersPerEpoch : warmup_iters,
    ratio: warmup_ratio ?? 0.1,
  };
}

/** Fraction of the wanted rate at iteration `i` (from 0) of the warm-up. */
export function warmupFactor({ mode, iters, ratio }: Warmup, i: number): number {
  const remaining = 1 - i / iters;
  if (mode === 'constant') return ratio;
  if (mode === 'exp') return ratio ** remaining;
  return 1 - remaining * (1 - ratio);
}
