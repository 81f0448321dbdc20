import { tf } from '@bidl/engine';
import type { NamedVariable } from '../classifier.js';

/** Variables below this many elements are updated together: an op costs as much as some 10,000 elements. */
const PACK_BELOW = 65_536;

/** Variables updated as one vector, or one large variable updated as it is. */
export interface Bucket {
  readonly members: readonly NamedVariable[];
}

/** Split variables into buckets: large ones alone, small ones packed together (order kept). */
export function buckets(members: readonly NamedVariable[], packBelow = PACK_BELOW): Bucket[] {
  const large = members.filter((m) => m.variable.size >= packBelow);
  const small = members.filter((m) => m.variable.size < packBelow);
  return [...large.map((m) => ({ members: [m] })), ...(small.length > 0 ? [{ members: small }] : [])];
}

/** One tensor for a bucket: the tensor itself, or all of them flattened into a vector. */
export function pack(bucket: Bucket, tensors: readonly tf.Tensor[]): tf.Tensor {
  const [only] = tensors;
  if (bucket.members.length === 1 && only) return only;
  return tf.concat1d(tensors.map((t) => tf.reshape(t, [t.size]) as tf.Tensor1D));
}

/** The reverse of `pack`: one tensor per member, in its variable's shape. */
export function unpack(bucket: Bucket, packed: tf.Tensor): tf.Tensor[] {
  if (bucket.members.length === 1) return [packed];
  const parts = tf.split(
    packed,
    bucket.members.map((m) => m.variable.size),
  );
  return parts.map((part, i) => tf.reshape(part, bucket.members[i]?.variable.shape ?? part.shape));
}
