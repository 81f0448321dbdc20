import { ArtifactError, readArtifact, type StatePlacement, type StepGraph } from '@bidl/graph';
import { lowerGraph, type PlanField, type PlanProgram } from '@bidl/kernels';
import { DATA_TYPES, type DevicePtr, type ModelDesc, type TensorAttr } from '../driver.js';
import { driverError } from '../errors.js';

/** An artifact, ready to be put on a device. */
export interface LoadedArtifact {
  readonly graph: StepGraph;
  readonly batch: number;
  readonly program: PlanProgram;
  readonly placement: StatePlacement;
}

/** @throws DriverError as lynLoadModel: the file missing (104011) or not what it should be (104012) */
export function loadArtifact(path: string): LoadedArtifact {
  const call = 'lynLoadModel';
  try {
    const { graph, batch, stateArea } = readArtifact(path);
    return { graph, batch, program: lowerGraph(graph), placement: stateArea };
  } catch (cause) {
    if (!(cause instanceof ArtifactError)) throw cause;
    const missing = cause.file === undefined || /is missing/.test(cause.message);
    throw driverError(call, missing ? 'fileMissing' : 'fileContent', cause.message, { cause });
  }
}

/** Bytes that weights take on the device, beside the state. */
export const weightBytes = ({ program }: LoadedArtifact): number =>
  Math.max(1, 4 * (program.weights.length + program.constants.length));

const attributes = (fields: readonly PlanField[], batchSize: number): TensorAttr[] =>
  fields.map(({ name, shape, format, offset, bytes }) => ({
    tensorName: name,
    batchSize,
    dims: shape,
    dataNum: shape.reduce((a, b) => a * b, 1),
    dataLen: bytes,
    dtype: DATA_TYPES[format],
    offset,
  }));

export function describeModel({ graph, batch, program }: LoadedArtifact, state: DevicePtr): ModelDesc {
  return {
    inputDataLen: program.inputBytes,
    outputDataLen: program.outputBytes,
    inputTensorAttrArray: attributes(program.inputs, batch),
    outputTensorAttrArray: attributes(program.outputs, batch),
    timesteps: graph.timesteps,
    state: { address: state, bytes: program.stateBytes * batch },
  };
}
