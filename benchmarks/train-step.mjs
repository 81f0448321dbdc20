// SeqClif3Fc3Dm, B 16, T 20, 2x40x40: one training step (forward, backward, no optimizer) and one inference.
// PyTorch 2.15 eager takes 665 ms and 243 ms for the same network and input on two cores.
import { startEngine, tf } from '@bidl/engine';
import { buildClassifier } from '@bidl/models';

const [B, T, H, W, C] = [16, 20, 40, 40, 2];

export async function cases() {
  await startEngine({ backend: 'tensorflow' });
  const x = tf.tidy(() =>
    tf.cast(tf.less(tf.randomUniform([B, T, H, W, C], 0, 1, 'float32', 1), 0.1), 'float32'),
  );
  const labels = Int32Array.from({ length: B }, (_, i) => i % 10);
  const groups = [];
  for (const mode of ['spike', 'analog']) {
    const classifier = buildClassifier(
      {
        type: 'ImageClassifier',
        backbone: {
          type: 'SeqClif3Fc3DmItout',
          timestep: T,
          input_channels: C,
          h: H,
          w: W,
          nclass: 10,
          cmode: mode,
        },
        head: { type: 'ClsHead', loss: { type: 'LabelSmoothLoss', label_smooth_val: 0.1 } },
      },
      { inputShape: [T, H, W, C], seed: 1 },
    );
    const setForm = (form) => {
      for (const layer of classifier.backbone.layers) if ('form' in layer) layer.form = form;
    };
    const variables = classifier
      .weights()
      .filter((w) => w.trainable)
      .map((w) => w.variable);
    const train = (form) => () => {
      setForm(form);
      const { value, grads } = tf.variableGrads(
        () => classifier.loss(classifier.forward(x, true), labels),
        variables,
      );
      value.dataSync();
      tf.dispose([value, grads]);
    };
    const infer = (form) => () => {
      setForm(form);
      tf.tidy(() => classifier.forward(x, false).dataSync());
    };
    for (const [name, run] of [
      ['train-step', train],
      ['infer', infer],
    ]) {
      groups.push({ name, mode, forms: ['fused', 'composed'].map((form) => ({ form, run: run(form) })) });
    }
  }
  return groups;
}
