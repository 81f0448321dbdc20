/**
 * Works with something and ends it, whatever happens. Of two errors the work's own is thrown.
 *
 * @param end gives back what was opened
 */
export async function using<T, R>(
  opened: T,
  end: (opened: T) => void | Promise<void>,
  work: (opened: T) => R | Promise<R>,
): Promise<R> {
  let result: R;
  try {
    result = await work(opened);
  } catch (error) {
    await Promise.resolve(opened)
      .then(end)
      .catch(() => undefined);
    throw error;
  }
  await end(opened);
  return result;
}
