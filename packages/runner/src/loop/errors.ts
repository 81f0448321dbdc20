/** The loss has become NaN or infinite. */
export class NonFiniteLossError extends Error {
  override readonly name = 'NonFiniteLossError';

  constructor(
    readonly loss: number,
    readonly epoch: number,
    readonly iteration: number,
    lr: number,
    checkpoint: string | undefined,
  ) {
    super(
      `the loss is ${loss} at epoch ${epoch}, iteration ${iteration} (lr ${lr}). ` +
        'Lower optimizer.lr, lengthen lr_config.warmup_iters, set optimizer_config.grad_clip, or look for NaN in the data. ' +
        (checkpoint
          ? `The last good checkpoint is untouched: ${checkpoint}`
          : 'No checkpoint had been saved yet.'),
    );
  }
}

/** The run was stopped from outside; its last checkpoint is whole. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';

  constructor(
    readonly epoch: number,
    readonly iteration: number,
    readonly checkpoint: string | undefined,
  ) {
    super(
      `stopped in epoch ${epoch} after iteration ${iteration}. ` +
        (checkpoint
          ? `Resume with --resume-from ${checkpoint} (it holds the last finished epoch; this one is repeated from its start).`
          : 'No epoch was finished, so nothing was saved: start the run again.'),
    );
  }
}

/** Gradients are to be cut in time, and the network can't run over a part of a sequence. */
export class TruncationError extends Error {
  override readonly name = 'TruncationError';

  constructor() {
    super(
      'runner.tbptt needs a network that runs over parts of a sequence (a `run` beside `forward`); leave it out',
    );
  }
}

/** A network is to train in less memory, and has no way to. */
export class MemoryError extends Error {
  override readonly name = 'MemoryError';

  constructor() {
    super('runner.memory "lean" needs a network that takes it (a `train` beside `forward`); leave it out');
  }
}
