import { create, toBinary } from '@bufbuild/protobuf';
import { shapesOf, type StepGraph } from '@bidl/graph';
import { VERSION } from '../version.js';
import { batched, ELEMENT, emitStep, stateInput, stateOutput } from './emitter.js';
import {
  GraphProtoSchema,
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type GraphProto,
} from './onnx_pb.js';
import { DataType, ints, onnxNode, onnxTensor, onnxValue } from './protos.js';

/** The operator set and file version that the models are written in; onnxruntime reads them since 1.12. */
const OPSET = 17n;
const IR_VERSION = 8n;

/** Names in the whole-sequence model beside the graph's own. */
export const STEPS = 'steps';

/**
 * One time step as an ONNX model: inputs and states in, outputs and next states out (`state/clif1/v`, `next/clif1/v`),
 * any batch. Images stand channels first, `[N, C, H, W]`, which onnxruntime prefers.
 *
 * @returns the file's bytes; the same graph gives the same bytes.
 */
export function stepModel(graph: StepGraph): Uint8Array {
  const { nodes, weights } = emitStep(graph);
  const outputs = graph.outputs.map(({ name, value }) =>
    onnxNode('Identity', [value], [outputName(graph, name)]),
  );
  return model(
    create(GraphProtoSchema, {
      name: `${graph.name}/step`,
      node: [...nodes, ...outputs],
      initializer: [...weights],
      input: [...inputsOf(graph, (name) => name), ...statesOf(graph, stateInput)],
      output: [...outputsOf(graph, (name) => outputName(graph, name)), ...statesOf(graph, stateOutput)],
    }),
  );
}

/**
 * A whole sample as an ONNX model: frames in, `[N, T, C, H, W]`, and what the last step gives out (under the graph's
 * output names), with every step's under `steps/<name>`, `[T, N, ...]`. The states start and stay inside (an ONNX Scan
 * over time).
 */
export function sequenceModel(graph: StepGraph): Uint8Array {
  const { nodes, weights } = emitStep(graph, frameName);
  const steps = graph.outputs.map(({ name }) => `${STEPS}/${name}`);
  const body = create(GraphProtoSchema, {
    name: `${graph.name}/body`,
    node: [
      ...nodes,
      ...graph.outputs.map(({ value }, k) => onnxNode('Identity', [value], [`${steps[k]}/now`])),
    ],
    initializer: [...weights],
    input: [...statesOf(graph, stateInput), ...inputsOf(graph, frameName)],
    output: [...statesOf(graph, stateOutput), ...outputsOf(graph, (_, k) => `${steps[k]}/now`)],
  });
  const [first] = graph.inputs;
  const starts = graph.states.map(({ key }) => `start/${key}`);
  const sequences = graph.inputs.map(({ name }) => name);
  const node = [
    onnxNode('Shape', [first.name], ['batch'], { start: 0n, end: 1n }),
    ...graph.states.flatMap(({ key, shape, initial, dtype }) => {
      const dims = batched(shape).slice(1).map(Number);
      const sized =
        dims.length === 0
          ? onnxNode('Identity', ['batch'], [`shape/${key}`])
          : onnxNode('Concat', ['batch', `dims/${key}`], [`shape/${key}`], { axis: 0n });
      const filled = onnxNode('ConstantOfShape', [`shape/${key}`], [`float/${key}`], {
        value: onnxTensor('', [1], Float32Array.of(initial)),
      });
      const cast = onnxNode('Cast', [`float/${key}`], [`start/${key}`], { to: BigInt(ELEMENT[dtype]) });
      return [sized, filled, cast];
    }),
    onnxNode('Scan', [...starts, ...sequences], [...graph.states.map(({ key }) => `end/${key}`), ...steps], {
      body,
      num_scan_inputs: BigInt(graph.inputs.length),
      scan_input_axes: ints(graph.inputs.map(() => 1)),
    }),
    ...graph.outputs.map(({ name }, k) => onnxNode('Gather', [steps[k], 'last'], [name], { axis: 0n })),
  ];
  const dims = graph.states
    .map(({ key, shape }) => ({ key, sizes: batched(shape).slice(1).map(Number) }))
    .filter(({ sizes }) => sizes.length > 0)
    .map(({ key, sizes }) => onnxTensor(`dims/${key}`, [sizes.length], BigInt64Array.from(ints(sizes))));
  const shapeOf = shapesOf(graph);
  return model(
    create(GraphProtoSchema, {
      name: `${graph.name}/sequence`,
      node,
      initializer: [...dims, onnxTensor('last', [], BigInt64Array.of(-1n))],
      input: graph.inputs.map(({ name, type }) => {
        const [n, ...rest] = batched(type.shape);
        return onnxValue(name, ELEMENT[type.dtype], [n, 'T', ...rest]);
      }),
      output: [
        ...graph.outputs.map(({ name, value }) => onnxValue(name, DataType.FLOAT, batched(shapeOf(value)))),
        ...graph.outputs.map(({ value }, k) =>
          onnxValue(steps[k], DataType.FLOAT, ['T', ...batched(shapeOf(value))]),
        ),
      ],
    }),
  );
}

/** Inside the sequence model one frame of an input; ONNX wants other names inside than outside. */
const frameName = (name: string): string => `frame/${name}`;

/** An output's name in the step model; a value of the graph that has the same name keeps it. */
const outputName = (graph: StepGraph, name: string): string =>
  graph.nodes.some(({ id }) => id === name) ? `${name}/out` : name;

const inputsOf = (graph: StepGraph, as: (name: string) => string) =>
  graph.inputs.map(({ name, type }) => onnxValue(as(name), ELEMENT[type.dtype], batched(type.shape)));

const outputsOf = (graph: StepGraph, as: (name: string, k: number) => string) => {
  const shapeOf = shapesOf(graph);
  return graph.outputs.map(({ name, value }, k) =>
    onnxValue(as(name, k), DataType.FLOAT, batched(shapeOf(value))),
  );
};

const statesOf = (graph: StepGraph, name: (key: string) => string) =>
  graph.states.map(({ key, shape, dtype }) => onnxValue(name(key), ELEMENT[dtype], batched(shape)));

function model(graph: GraphProto): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: IR_VERSION,
      opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: OPSET })],
      producerName: '@bidl/compile',
      producerVersion: VERSION,
      graph,
      metadataProps: [create(StringStringEntryProtoSchema, { key: 'layout', value: 'images are NCHW' })],
    }),
  );
}
