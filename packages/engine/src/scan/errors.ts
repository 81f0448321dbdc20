/** A neuron cannot be run as asked; the message names the argument and what it must be. */
export class ScanError extends Error {
  override readonly name = 'ScanError';
}
