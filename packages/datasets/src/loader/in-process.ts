import { buildDataset } from '../registry.js';
import { fillSlot, probe } from './fill.js';
import { loadImports } from './imports.js';
import { type Slot, type SlotPlan, viewSlot } from './slot.js';
import { type Source } from './source.js';
import { type LoaderOptions } from './types.js';

/** Prepares batches in the calling thread, one at a time, when they are asked for. */
export async function inProcess(options: LoaderOptions): Promise<Source> {
  const { dataset: config, imports = [], seed = 0, place } = options;
  await loadImports(imports);
  const dataset = buildDataset(config, place);
  const facts = probe(dataset, seed);
  let slots: readonly Slot[] = [];
  let plan: SlotPlan | undefined;
  return {
    facts,
    ahead: false,
    share(memories, shared) {
      plan = shared;
      slots = memories.map((memory) => viewSlot(memory, shared));
    },
    fill: async ({ slot: number, count, epoch }) => {
      const slot = slots[number];
      if (slot && plan) fillSlot(dataset, slot, plan, { seed, epoch, count });
    },
    cancel: () => undefined,
    hold: () => undefined,
    close: () => Promise.resolve(),
  };
}
