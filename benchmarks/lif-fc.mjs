// A linear layer and LIF neurons, T 500, B 16, forward and backward: `lif-fc-<n>`.
import { lifCases } from './lib/lif-cases.mjs';

const SIZES = [512, 4096];

export const cases = ({ size, ...options }) =>
  lifCases({ linear: true, sizes: size ? [size] : SIZES, ...options });
