/** A data set that isn't there, isn't whole, or contradicts itself; the message says how to make or get it. */
export class DatasetError extends Error {
  override readonly name = 'DatasetError';
}

/** The batch loader was used wrongly, or one of its workers died. */
export class LoaderError extends Error {
  override readonly name = 'LoaderError';
}
