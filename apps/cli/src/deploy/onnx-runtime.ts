import { UsageError } from '../failure.js';

/** The part of onnxruntime-node that is used here; it is an optional dependency and may be absent. */
export interface OnnxTensor {
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

/** @throws UsageError with the command that installs onnxruntime, where it isn't. */
export async function loadOnnxRuntime(): Promise<OnnxRuntime> {
  try {
    const module = (await import(PACKAGE)) as OnnxRuntime & { readonly default?: OnnxRuntime };
    return module.default ?? module;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(
      `--target onnx needs ${PACKAGE}, which can't be loaded (${reason}); install it: npm install ${PACKAGE} --ignore-scripts`,
    );
  }
}

/** Numbers of n values `[H, W, C]` as `[C, H, W]` each, or back; other shapes stay. */
export function turned(
  data: ArrayLike<number>,
  n: number,
  [h = 0, w = 0, c = 0, ...more]: readonly number[],
  to: 'NCHW' | 'NHWC',
): Float32Array {
  if (c === 0 || more.length > 0) return Float32Array.from(data);
  const out = new Float32Array(data.length);
  const size = h * w * c;
  for (let i = 0; i < n; i++) {
    for (let p = 0; p < h * w; p++) {
      for (let k = 0; k < c; k++) {
        const last = i * size + p * c + k;
        const first = i * size + k * h * w + p;
        if (to === 'NCHW') out[first] = data[last] ?? NaN;
        else out[last] = data[first] ?? NaN;
      }
    }
  }
  return out;
}
