/** A deployment that makes no sense as it was asked for, or data that it can't take. */
export class DeployError extends Error {
  override readonly name = 'DeployError';
}
