import { DeployError } from '../errors.js';

/** The part of onnxruntime-node that is used here; it is an optional dependency and may be absent. */
export interface OnnxTensor {
  readonly type: string;
  readonly data: ArrayLike<number> & ArrayBufferView;
  readonly dims: readonly number[];
}

export interface OnnxSession {
  run(feeds: Readonly<Record<string, OnnxTensor>>): Promise<Readonly<Record<string, OnnxTensor>>>;
  release(): Promise<void>;
}

export interface OnnxRuntime {
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => OnnxTensor;
  readonly InferenceSession: {
    create(model: Uint8Array | string, options?: object): Promise<OnnxSession>;
  };
}

const PACKAGE = 'onnxruntime-node';

/** @throws DeployError with the command that installs onnxruntime, where it isn't. */
export async function loadOnnxRuntime(): Promise<OnnxRuntime> {
  try {
    const module = (await import(PACKAGE)) as OnnxRuntime & { readonly default?: OnnxRuntime };
    return module.default ?? module;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DeployError(
      `target onnx needs ${PACKAGE}, which can't be loaded (${reason}); install it: npm install ${PACKAGE} --ignore-scripts`,
      { cause },
    );
  }
}

/**
 * Errors only are printed: onnxruntime's warnings are about graphs that others write.
 *
 * @param threads that a step may use; default: all cores
 */
export const openSession = (
  { InferenceSession }: OnnxRuntime,
  model: Uint8Array | string,
  threads?: number,
): Promise<OnnxSession> =>
  InferenceSession.create(model, {
    logSeverityLevel: 3,
    ...(threads !== undefined && { intraOpNumThreads: threads }),
  });
