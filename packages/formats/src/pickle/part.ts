/** Something that values are made with and that is no value itself: a class, a dtype, a storage. */
export abstract class Part {
  /** What it is, for the message when it is left lying in the data. */
  abstract readonly described: string;
}
