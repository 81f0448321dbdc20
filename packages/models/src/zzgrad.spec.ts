import { startEngine, tf } from '@bidl/engine';
import { golden } from '@bidl/testing';
import { goldenInput, goldenNetwork, Probe, UpstreamWeights } from './testing/golden.js';
import { Follower } from './testing/follow.js';
import { CrossEntropyLoss } from './losses/cross-entropy.js';
import './backbones/builtin.js';
test('grad', async () => {
  await startEngine({ backend: 'tensorflow' });
  const name = process.env['CASE']!;
  const data = golden('backbones', name);
  const model = goldenNetwork(data);
  const weights = new UpstreamWeights(model, data.json);
  weights.load();
  const places = data.json['lif_layers'] as string[];
  const probe = new Probe(
    model,
    places.map((p) => weights.layerAt(p)),
  );
  const x = goldenInput(data.get('x'));
  const f = new Follower(model, probe.layers, x).follow(data, 'train', true);
  for (const l of probe.layers) l.form = 'composed';
  const labels = Array.from(data.get('labels').data as Int32Array);
  const { grads } = tf.variableGrads(() =>
    new CrossEntropyLoss().compute(probe.run(x, true).logits, labels).asScalar(),
  );
  const keys = data.json['grad_norm_keys'] as string[];
  const a = data.get('train/grad_norms').data as Float32Array,
    b = data.get('train/grad_norms_fp64').data as Float32Array;
  const out: string[] = [];
  keys.forEach((k, i) => {
    const g = grads[weights.of(k)!.variable.name]!.norm().dataSync()[0]!;
    if (/weight/.test(k) && a[i]! > 1)
      out.push(`${k} ours/f32 ${(g / a[i]!).toFixed(5)} f64/f32 ${(b[i]! / a[i]!).toFixed(5)}`);
  });
  console.log('forced', f, '\n' + out.join('\n'));
}, 600000);
