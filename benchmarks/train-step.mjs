// One training step of SeqClif3Fc3DmItout: forward and backward, from bytes, no optimizer.
import { networkCases } from './lib/network-cases.mjs';

export const cases = (options) => networkCases('train-step', options);
