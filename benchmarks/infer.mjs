// One inference of SeqClif3Fc3DmItout, from bytes.
import { networkCases } from './lib/network-cases.mjs';

export const cases = (options) => networkCases('infer', options);
