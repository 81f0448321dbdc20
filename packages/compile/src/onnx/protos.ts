import { create } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as AttributeType,
  AttributeProtoSchema,
  NodeProtoSchema,
  TensorProto_DataType as DataType,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
  type GraphProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from './onnx_pb.js';

export { DataType };

/** What an attribute of an ONNX operation can hold here. */
export type AttributeValue = bigint | number | string | readonly bigint[] | TensorProto | GraphProto;

/** Whole numbers as ONNX wants them. */
export const ints = (values: readonly number[]): bigint[] => values.map(BigInt);

const utf8 = new TextEncoder();

function attribute(name: string, value: AttributeValue): AttributeProto {
  const made = (type: AttributeType, fields: object) =>
    create(AttributeProtoSchema, { name, type, ...fields });
  if (typeof value === 'bigint') return made(AttributeType.INT, { i: value });
  if (typeof value === 'number') return made(AttributeType.FLOAT, { f: value });
  if (typeof value === 'string') return made(AttributeType.STRING, { s: utf8.encode(value) });
  if (Array.isArray(value)) return made(AttributeType.INTS, { ints: value as bigint[] });
  const message = value as TensorProto | GraphProto;
  return message.$typeName === 'onnx.TensorProto'
    ? made(AttributeType.TENSOR, { t: message })
    : made(AttributeType.GRAPH, { g: message });
}

/** An operation; its name is that of its first output. */
export function onnxNode(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
): NodeProto {
  return create(NodeProtoSchema, {
    name: output[0],
    opType,
    input: [...input],
    output: [...output],
    attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  });
}

const bytesOf = (data: ArrayBufferView): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));

/** A tensor of raw little-endian numbers: float32, half-precision bits, or 64-bit whole numbers. */
export function onnxTensor(
  name: string,
  dims: readonly number[],
  data: Float32Array | Uint16Array | BigInt64Array,
): TensorProto {
  const tag = Object.prototype.toString.call(data);
  const dataType =
    tag === '[object Float32Array]'
      ? DataType.FLOAT
      : tag === '[object Uint16Array]'
        ? DataType.FLOAT16
        : DataType.INT64;
  return create(TensorProtoSchema, { name, dims: ints(dims), dataType, rawData: bytesOf(data) });
}

/** An input or output: its element type and its shape, where text is a size that is open. */
export function onnxValue(
  name: string,
  elemType: DataType,
  shape: readonly (number | string)[],
): ValueInfoProto {
  const dim = shape.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value:
        typeof size === 'number'
          ? { case: 'dimValue', value: BigInt(size) }
          : { case: 'dimParam', value: size },
    }),
  );
  const tensorType = create(TypeProto_TensorSchema, {
    elemType,
    shape: create(TensorShapeProtoSchema, { dim }),
  });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value: tensorType } }),
  });
}
