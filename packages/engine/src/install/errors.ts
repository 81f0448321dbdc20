/** A step of the installation failed. The message names the step, the reason and what to do about it. */
export class EngineInstallError extends Error {
  override readonly name = 'EngineInstallError';

  constructor(
    readonly step: string,
    readonly reason: string,
    readonly remedy: string,
  ) {
    super(`Step "${step}" failed: ${reason}\n  What to do: ${remedy}`);
  }
}
