import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

// The addon chooses threads and instruction set once per process, so each setting runs in one of its own, on the
// built packages.
const engine = new URL('../../dist/index.js', import.meta.url).href;
const dynamics = new URL('../../../dynamics/dist/index.js', import.meta.url).href;

const SCRIPT = `
  import { createHash } from 'node:crypto';
  import { lif, rectangle } from ${JSON.stringify(dynamics)};
  import { neuronScan, opsInfo, startEngine, tf } from ${JSON.stringify(engine)};
  await startEngine({ backend: 'tensorflow' });
  const random = (shape, seed) => tf.randomNormal(shape, 0.3, 0.6, 'float32', seed);
  const hashes = {};
  for (const norm of [false, true]) {
    const hash = createHash('sha256');
    for (const [b, t, m, c] of [[3, 6, 37, 33], [4, 5, 300, 32], [2, 9, 1, 700]]) {
      const vectors = [1, 2, 3, 4].map((k) => tf.abs(random([c], k)));
      const run = (x, theta) => neuronScan(lif(), {
        x, surrogate: rectangle(), training: norm, form: 'fused',
        params: { alpha: tf.scalar(0.6), beta: tf.scalar(0), theta, v0: tf.scalar(0) },
        ...(norm && { norm: { gamma: vectors[0], beta: vectors[1], mean: vectors[2], variance: vectors[3], epsilon: 1e-5, momentum: 0.1 } }),
      });
      const x = random([b, t, m, c], 5);
      const out = run(x, vectors[0]);
      for (const r of [out.out, out.state.v]) hash.update(r.dataSync());
      const weight = random([b, t, m, c], 6);
      for (const g of tf.grads((v, w) => tf.sum(tf.mul(weight, run(v, w).out)))([x, vectors[0]])) hash.update(g.dataSync());
    }
    hashes[norm ? 'batchStatistics' : 'plain'] = hash.digest('hex');
  }
  console.log(JSON.stringify({ ...opsInfo(), ...hashes }));
`;

function run(env: Readonly<Record<string, string>>): Record<string, string> {
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', SCRIPT], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { ...process.env, ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return JSON.parse(output) as Record<string, string>;
}

test('results do not depend on the number of threads', () => {
  const [one, two, five] = ['1', '2', '5'].map((threads) => run({ BIDL_NUM_THREADS: threads }));
  expect([one.threads, two.threads, five.threads]).toEqual([1, 2, 5]);
  expect({ ...two, threads: 0 }).toEqual({ ...one, threads: 0 });
  expect({ ...five, threads: 0 }).toEqual({ ...one, threads: 0 });
});

test('without batch statistics results do not depend on the instruction set either', () => {
  const best = run({});
  const baseline = run({ BIDL_ISA: 'baseline' });
  expect(baseline.isa).toBe('baseline');
  expect(baseline.plain).toBe(best.plain);
});
