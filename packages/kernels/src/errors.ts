/** The op library could not be built or loaded; the message says which step failed and what to do. */
export class KernelError extends Error {
  override readonly name = 'KernelError';
}
