import { sizeOf } from '@bidl/formats';
import { z } from 'zod';
import type { StepGraph } from '../graph.js';
import { jsonBytes } from './canonical.js';
import { ArtifactError, RECOMPILE } from './error.js';
import { parseJson } from './folder.js';
import { FILES } from './layout.js';
import { stateTable } from './state-table.js';
import { transfers } from './transfers.js';

/** Where on a device the states of a model lie. */
export interface StatePlacement {
  /** `glb`: the memory on the chip, small and fast; `ddr`: the one beside it. */
  readonly memory: 'ddr' | 'glb';
  /**
   * The driver may put the states wherever there is room, so that several models can be resident. Otherwise they lie
   * where every model's states lie that isn't relocatable, and there can be one of those on a device.
   */
  readonly relocatable: boolean;
}

/** States in DDR, wherever there is room. */
export const ANYWHERE: StatePlacement = { memory: 'ddr', relocatable: true };

/**
 * Bytes of a device's GLB unless it is told otherwise: what compiling allows and the simulator has. The vendor publishes
 * no size; this holds a batch of 28 of the networks that BIDL ships for 40 x 40 frames, and no ResNet at 128 x 128.
 */
export const GLB_BYTES = 16 * 2 ** 20;

/** A piece of device memory: `addr` relative to the model's state base, `size` in bytes. */
export interface StateArea extends StatePlacement {
  readonly addr: number;
  readonly size: number;
}

const chipSchema = z.object({
  apu_x: z.object({
    batch_size: z.int().min(1),
    n_slice: z.int().min(1),
    userload: z.object({
      info: z.tuple([
        z.object({
          addr: z.int().min(0),
          size: z.int().min(0),
          memory: z.enum(['ddr', 'glb']),
          relocatable: z.boolean(),
        }),
      ]),
    }),
  }),
});

/** `apu.json`, under the keys that upstream's runtime reads. `size` of inputs and outputs counts elements. */
export function chipBytes(graph: StepGraph, batch: number, placement: StatePlacement): Uint8Array {
  const { inputs, outputs } = transfers(graph);
  const described = (values: typeof inputs) =>
    values.map(({ name, dtype, shape }) => ({ name, dtype, size: sizeOf(shape) }));
  const { memory, relocatable } = placement;
  const area: StateArea = { addr: 0, size: batch * stateTable(graph).bytesPerSample, memory, relocatable };
  return jsonBytes({
    apu_x: {
      batch_size: batch,
      n_slice: batch,
      userload: { info: [area] },
      inputs: described(inputs),
      outputs: described(outputs),
    },
  });
}

/** The state area that `apu.json` describes. @throws ArtifactError where it does not go with the graph */
export function readStateArea(folder: string, bytes: Uint8Array, graph: StepGraph, batch: number): StateArea {
  const fail = (what: string) => new ArtifactError({ folder, file: FILES.chip }, what, RECOMPILE);
  const chip = chipSchema.safeParse(parseJson(bytes));
  if (!chip.success) throw fail('lacks batch_size, n_slice or userload');
  const { batch_size, n_slice, userload } = chip.data.apu_x;
  if (batch_size !== batch || n_slice !== batch) {
    throw fail(`batch_size ${batch_size} and n_slice ${n_slice} must both be the manifest's batch ${batch}`);
  }
  const [area] = userload.info;
  const size = batch * stateTable(graph).bytesPerSample;
  if (area.size !== size) throw fail(`the state area has ${area.size} bytes, the graph needs ${size}`);
  return area;
}
