/** A layer was given arguments or an input that it can't work with; the message starts with the layer's name. */
export class LayerError extends Error {
  override readonly name = 'LayerError';
  constructor(
    readonly layer: string,
    what: string,
  ) {
    super(`layer "${layer}": ${what}`);
  }
}

/** A network can't run one time step at a time; the message names the layer that forbids it. */
export class StepError extends Error {
  override readonly name = 'StepError';
  constructor(
    readonly layer: string,
    what: string,
  ) {
    super(`layer "${layer}" ${what}`);
  }
}
