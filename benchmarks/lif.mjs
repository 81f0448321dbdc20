// LIF neurons alone, T 500, B 16, forward and backward: `lif-<n>`.
import { lifCases } from './lib/lif-cases.mjs';

const SIZES = [1024, 16384];

export const cases = ({ size, ...options }) =>
  lifCases({ linear: false, sizes: size ? [size] : SIZES, ...options });
