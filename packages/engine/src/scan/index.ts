export { ScanError } from './errors.js';

export { convScan, type ConvScanArgs } from './conv-scan.js';
export { centre, type Centred } from './moments.js';
export { neuronScan, neuronStep } from './scan.js';
export type { ScanArgs, ScanForm, ScanResult, StepArgs } from './types.js';
