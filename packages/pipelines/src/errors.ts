/** An op can't do its work on this sample; the message starts with the op's name. */
export class PipelineError extends Error {
  override readonly name = 'PipelineError';
}
