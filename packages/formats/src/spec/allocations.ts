/**
 * Bytes of the Uint8Arrays that `run` makes by their length, all of them together, in this realm. For specs only: every
 * reader of this package allocates by length there, and it counts what was asked for, touched or not.
 */
export function allocatedBy(run: () => void): number {
  const real = globalThis.Uint8Array;
  let bytes = 0;
  globalThis.Uint8Array = new Proxy(real, {
    construct(target, args, self) {
      if (typeof args[0] === 'number') bytes += args[0];
      return Reflect.construct(target, args, self) as Uint8Array;
    },
  });
  try {
    run();
  } finally {
    globalThis.Uint8Array = real;
  }
  return bytes;
}
