// The update of SeqClif3Fc3Dm's 1.8 million weights in one operation against tensor operations.
import { startEngine, tf, updateElements } from '@bidl/engine';

// its convolutions with their BatchNorms, and its linear layers
const SHAPES = [
  ...[
    [2, 32],
    [32, 64],
    [64, 128],
  ].flatMap(([from, to]) => [[3, 3, from, to], [to], [to], [to]]),
  ...[
    [3200, 512],
    [512, 128],
    [128, 10],
  ].flatMap(([from, to]) => [[from, to], [to]]),
];

const RULES = {
  sgd: (o, { w, g, m }) => {
    const decayed = o.combine(1, g, 1e-4, w);
    const momentum = o.combine(0.9, m, 1, decayed);
    return { w: o.combine(1, w, -0.1, o.combine(1, decayed, 0.9, momentum)), m: momentum };
  },
  adam: (o, { w, g, m, v }) => {
    const mean = o.combine(0.9, m, 0.1, g);
    const square = o.combine(0.999, v, 0.001, o.square(g));
    return { w: o.combine(1, w, -1e-3, o.div(mean, o.add(o.sqrt(square), 1e-8))), m: mean, v: square };
  },
};

export async function cases() {
  await startEngine({ backend: 'tensorflow' });
  const draw = (seed) => SHAPES.map((shape) => tf.randomUniform(shape, 0, 1, 'float32', seed));
  const g = draw(1);
  return Object.entries(RULES).map(([mode, rule]) => {
    const slots = mode === 'adam' ? ['m', 'v'] : ['m'];
    const run = (form) => {
      let state = { w: draw(2), ...Object.fromEntries(slots.map((slot, i) => [slot, draw(3 + i)])) };
      return () => {
        const before = state.w;
        state = updateElements(rule, { ...state, g }, { consumed: slots, form });
        tf.dispose(before);
      };
    };
    const forms = [
      { form: 'fused', run: run('auto') },
      { form: 'composed', run: run('composed') },
    ];
    return { name: 'update', mode, forms };
  });
}
