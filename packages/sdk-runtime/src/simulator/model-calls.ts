import { COMMANDS } from '@bidl/kernels';
import type { DevicePtr, Driver, Model, Stream } from '../driver.js';
import { driverError } from '../errors.js';
import type { SimModel, SimStream } from './holdings.js';
import type { Machine } from './machine.js';
import { describeModel, loadArtifact, weightBytes } from './model.js';
import { Waiting } from './waiting.js';

export type ModelCalls = Pick<
  Driver,
  | 'loadModel'
  | 'unloadModel'
  | 'modelGetDesc'
  | 'modelResetAsync'
  | 'executeModelAsync'
  | 'modelSendInputAsync'
  | 'modelRecvOutputAsync'
>;

/** Models: weights and states on a device, and the steps that it computes. */
export function modelCalls(machine: Machine): ModelCalls {
  const { held, faults, library, size } = machine;

  const enqueue = (
    call: string,
    code: number,
    stream: SimStream,
    kind: number,
    { handle: model, batch }: SimModel,
    from = 0,
    to = 0,
  ): void => {
    if (machine.inject(stream, call, code)) return;
    stream.commands++;
    const { handle } = held.devices[stream.device];
    library.enqueueModel(handle, stream.handle, Waiting.idOf(call), kind, model, from, to, batch);
  };

  const compute = (
    call: string,
    kind: number,
    stream: Stream,
    model: Model,
    input: DevicePtr,
    output: DevicePtr,
    batch: number,
  ): void => {
    const code = faults.enter(call);
    const target = held.streamOf(call, stream);
    const known = held.modelOf(call, model);
    if (batch !== known.batch) {
      const what = `the model was compiled for ${known.batch} sample(s), not ${batch}`;
      throw driverError(call, 'batchInvalid', what);
    }
    const { memory } = held.devices[target.device];
    const from = memory.offsetOf(call, input, known.desc.inputDataLen * batch);
    const to = memory.offsetOf(call, output, known.desc.outputDataLen * batch);
    enqueue(call, code, target, kind, known, from, to);
  };

  return {
    loadModel(path) {
      const call = 'lynLoadModel';
      faults.enter(call);
      const context = held.here(call);
      const { handle, memory } = held.devices[context.device];
      const artifact = loadArtifact(path);
      const { program, batch, placement } = artifact;
      const taken: DevicePtr[] = [];
      const keep = (pointer: DevicePtr) => (taken.push(pointer), pointer);
      try {
        const weights = keep(memory.take(call, weightBytes(artifact)));
        const state = keep(memory.takeStates(call, Math.max(1, program.stateBytes * batch), placement));
        const model: SimModel = {
          kind: 'model',
          device: context.device,
          handle: library.openModel(
            handle,
            program.code,
            program.weights,
            program.constants,
            memory.offsetOf(call, state, 0),
            size.threads,
            batch,
          ),
          context,
          desc: describeModel(artifact, state),
          batch,
          weights,
        };
        context.owned.add(model);
        return model;
      } catch (error) {
        for (const pointer of taken) memory.giveBack(call, pointer);
        throw error;
      }
    },
    unloadModel(model) {
      const call = 'lynUnloadModel';
      faults.enter(call);
      held.drop(held.modelOf(call, model));
    },
    modelGetDesc(model) {
      const call = 'lynModelGetDesc';
      faults.enter(call);
      return held.modelOf(call, model).desc;
    },
    modelResetAsync(stream, model) {
      const call = 'lynModelResetAsync';
      const code = faults.enter(call);
      const target = held.streamOf(call, stream);
      enqueue(call, code, target, COMMANDS.reset, held.modelOf(call, model));
    },
    executeModelAsync: (stream, model, input, output, batch) =>
      compute('lynExecuteModelAsync', COMMANDS.step, stream, model, input, output, batch),
    modelSendInputAsync: (stream, model, input, output, batch) =>
      compute('lynModelSendInputAsync', COMMANDS.send, stream, model, input, output, batch),
    modelRecvOutputAsync(stream, model) {
      const call = 'lynModelRecvOutputAsync';
      const code = faults.enter(call);
      const target = held.streamOf(call, stream);
      enqueue(call, code, target, COMMANDS.receive, held.modelOf(call, model));
    },
  };
}
