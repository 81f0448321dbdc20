import { FormatError } from '../errors.js';
import type { Dialect } from '../pickle/dialect.js';
import { globalsOf, type Maker, PLAIN_GLOBALS } from '../pickle/globals.js';
import type { Part } from '../pickle/part.js';
import { DTYPE_NAMES, elementNamed, type ElementType, STORAGE_CLASSES } from './element-types.js';
import { planTensor } from './plan-tensor.js';
import { Storages, StorageView } from './storage.js';
import { Tensors } from './tensors.js';

/** One checkpoint while its pickle is read. */
export interface TorchObjects {
  readonly dialect: Dialect;
  readonly storages: Storages;
  /** Every tensor that the pickle rebuilds. */
  readonly tensors: Tensors;
}

/**
 * What a pickle by torch.save may say: plain values, and the functions that torch rebuilds tensors with. Calling one
 * only plans the tensor; its elements are read when the pickle is over.
 */
export function torchObjects(): TorchObjects {
  const storages = new Storages();
  const tensors = new Tensors();

  const rebuild =
    (element: (args: readonly unknown[]) => ElementType | undefined, metadataAt: number): Maker =>
    (args, workshop) => {
      const [source, offset, shape, strides] = args;
      if (!(source instanceof StorageView)) return undefined;
      refuseLazy(args[metadataAt]);
      const tensor = planTensor(source, offset, shape, strides, element(args) ?? source.element);
      workshop.spend(tensors.add(tensor));
      return tensor.array;
    };
  const ofStorage = rebuild(() => undefined, 6);
  const ofDType: Maker = (args, workshop) => {
    const element = elementNamed(args[6]);
    return element && rebuild(() => element, 7)(args, workshop);
  };

  const globals = new Map<string, Part | string>([
    ...PLAIN_GLOBALS,
    ...STORAGE_CLASSES,
    ...DTYPE_NAMES.map((name) => [name, name] as const),
    ...globalsOf([
      [['torch._utils._rebuild_tensor', 'torch._utils._rebuild_tensor_v2'], ofStorage],
      [['torch._utils._rebuild_tensor_v3'], ofDType],
      [['torch._utils._rebuild_parameter', 'torch._utils._rebuild_parameter_with_state'], firstArgument],
      [['torch.nn.parameter.Parameter'], firstArgument],
      [['torch.Size'], size],
      [['torch.device'], device],
      [['collections.Counter'], counter],
    ]),
  ]);
  const dialect: Dialect = {
    globals,
    remedy:
      'tensors and plain values are read. If whole objects were saved, save the weights alone: ' +
      'torch.save(model.state_dict(), FILE)',
    persistent: (id) => storages.resolve(id),
    dropsAttributes: true,
  };
  return { dialect, storages, tensors };
}

/** A parameter is its tensor; whether it wants a gradient, and its hooks, are nothing to us. */
const firstArgument: Maker = ([data]) => data;

const size: Maker = ([dims = []]) => (Array.isArray(dims) ? dims : undefined);

/** `torch.device('cuda', 0)` is the string `cuda:0`. */
const device: Maker = ([type, index]) => {
  if (typeof type !== 'string') return undefined;
  if (index === undefined || index === null) return type;
  return typeof index === 'number' ? `${type}:${index}` : undefined;
};

/** A Counter is a dict of counts. */
const counter: Maker = ([counts = new Map()]) => (counts instanceof Map ? counts : undefined);

/** Views that torch negates or conjugates when they are used: their storage holds other numbers than they show. */
function refuseLazy(metadata: unknown): void {
  if (!(metadata instanceof Map)) return;
  for (const [key, value] of metadata as Map<unknown, unknown>) {
    if (value === false) continue;
    const bit = key === 'conj' || key === 'neg' ? key : 'unknown';
    throw new FormatError(
      `pickle: a tensor with the "${bit}" bit is not read; save tensor.resolve_conj().resolve_neg()`,
    );
  }
}
