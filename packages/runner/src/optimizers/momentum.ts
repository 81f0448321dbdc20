/** Momentum of an optimizer's options: `momentum`, or the first of `betas`, as PyTorch's cyclic schedules have it. */
export function ownMomentum(options: object): number | undefined {
  if ('momentum' in options && typeof options.momentum === 'number') return options.momentum;
  if ('betas' in options && Array.isArray(options.betas)) return Number(options.betas[0]);
  return undefined;
}

/** The options with that momentum in its place. */
export function withMomentum<O extends object>(options: O, momentum: number | undefined): O {
  if (momentum === undefined || momentum === ownMomentum(options)) return options;
  if ('momentum' in options) return { ...options, momentum };
  if ('betas' in options && Array.isArray(options.betas))
    return { ...options, betas: [momentum, options.betas[1]] };
  return options;
}
