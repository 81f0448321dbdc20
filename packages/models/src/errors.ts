/** Labels that don't fit the logits: out of range, or of another shape. */
export class LabelError extends Error {
  override readonly name = 'LabelError';
}

/** A network and what it is given or asked for don't fit together. */
export class ModelError extends Error {
  override readonly name = 'ModelError';
}
