import { parentPort, workerData } from 'node:worker_threads';

import { type BaseDataset } from '../base-dataset.js';
import '../nmnist/nmnist.js';
import { buildDataset } from '../registry.js';
import { fillSlot, probe } from './fill.js';
import { loadImports } from './imports.js';
import { type Order, type Report, type WorkerSetup } from './messages.js';
import { packError } from './sample-error.js';
import { type Slot, type SlotPlan, viewSlot } from './slot.js';

/** Thread entry of the batch loader: builds its own data set, then fills the slots it is told to, in order. */
const setup = workerData as WorkerSetup;
const report = (message: Report): void => parentPort?.postMessage(message);

async function start(): Promise<BaseDataset> {
  await loadImports(setup.imports);
  const dataset = buildDataset(setup.dataset, setup.place);
  const facts = setup.probes ? probe(dataset, setup.seed) : undefined;
  if (!setup.probes) void dataset.length;
  report({ kind: 'ready', facts });
  return dataset;
}

function serve(dataset: BaseDataset): void {
  let slots: readonly Slot[] = [];
  let plan: SlotPlan | undefined;
  parentPort?.on('message', (order: Order) => {
    if (order.kind === 'slots') {
      const { plan: shared } = order;
      plan = shared;
      slots = order.memories.map((memory) => viewSlot(memory, shared));
      return;
    }
    const slot = slots[order.slot];
    if (!slot || !plan) return;
    const cancelled = (): boolean => Atomics.load(setup.generation, 0) !== order.generation;
    try {
      fillSlot(dataset, slot, plan, { seed: setup.seed, epoch: order.epoch, count: order.count }, cancelled);
      report({ kind: 'filled', task: order.task });
    } catch (error) {
      report({ kind: 'filled', task: order.task, error: packError(error) });
    }
  });
}

start().then(serve, (error: unknown) => report({ kind: 'failed', error: packError(error) }));
