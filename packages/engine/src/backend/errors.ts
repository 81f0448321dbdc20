/** The engine cannot do what was asked: the message says what is missing and the command that mends it. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
}
