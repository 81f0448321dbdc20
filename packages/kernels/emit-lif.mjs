import { lif, rectangle, emitKernel } from '@bidl/dynamics';
import { buildNeuronsSync, neuronName } from './dist/index.js';
const k = emitKernel(lif(), rectangle());
console.log(buildNeuronsSync([k], process.argv[2] ?? 'avx2', { cacheDir: '/tmp/exp/cache' }), neuronName(k));
