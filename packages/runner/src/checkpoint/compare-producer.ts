import type { CheckpointProducer } from './meta.js';

const form = ({ fused }: CheckpointProducer) => (fused ? 'fused' : 'composed');

/** Reasons why a resumed run may differ in the last bits from an unbroken one; empty when it can't. */
export function differences(saved: CheckpointProducer, here: CheckpointProducer): string[] {
  const reasons: string[] = [];
  const changed = (what: string, before: string | number, now: string | number) => {
    if (before !== now) reasons.push(`${what} was ${before}, is ${now}`);
  };
  changed('bidl', saved.version, here.version);
  changed('backend', saved.backend, here.backend);
  changed('form of the neuron kernels', form(saved), form(here));
  changed('thread count', saved.threads, here.threads);
  changed(
    'set of CPU features',
    [...saved.cpuFeatures].sort().join(' ') || 'unknown',
    [...here.cpuFeatures].sort().join(' ') || 'unknown',
  );
  return reasons;
}
