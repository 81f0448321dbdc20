// Ways to compute a convolution and a matrix product, by density: what the op library chooses from (conv_choice.cc,
// product_choice.cc). `mode` is the share of inputs that are not zero.
import { startEngine, tf } from '@bidl/engine';

const SHARES = [0.01, 0.05, 0.12, 0.25, 0.35, 0.5];
const FEW = 100; // images
/** Sides, inputs and outputs of SeqClif3Fc3Dm's convolutions behind spikes, 3x3. */
const CONVS = [
  [20, 32, 64],
  [10, 64, 128],
];
/** Rows, inner dimension, columns. */
const PRODUCTS = [
  [320, 3200, 512],
  [2000, 512, 512],
];
const CONV_WAYS = { sparse: 1, winograd: 2 };

export async function* cases() {
  await startEngine({ backend: 'tensorflow' });
  for (const [side, inputs, outputs] of CONVS) {
    for (const share of SHARES) {
      const x = spikes([FEW, side, side, inputs], share);
      const w = tf.randomNormal([3, 3, inputs, outputs]);
      yield {
        name: `ways-conv-${side}x${side}x${inputs}-${outputs}`,
        mode: `${share}`,
        against: 'tensorflow',
        forms: [
          ...Object.entries(CONV_WAYS).map(([form, way]) => ({ form, run: () => ownConvolution(x, w, way) })),
          { form: 'tensorflow', run: () => read(op('Conv2D', [x, w], CONV2D)) },
        ],
      };
      tf.dispose([x, w]);
    }
  }
  for (const [m, k, n] of PRODUCTS) {
    for (const share of SHARES) {
      const [a, b, turned] = [spikes([m, k], share), tf.randomNormal([k, n]), tf.randomNormal([n, k])];
      const forms = (own, right, transposed) => [
        ...own.map(([form, name]) => ({ form, run: () => read(op(name, [a, right])) })),
        { form: 'tensorflow', run: () => read(op('MatMul', [a, right], matMul(transposed))) },
      ];
      const group = { name: `ways-product-${m}x${k}-${n}`, mode: `${share}`, against: 'tensorflow' };
      const plain = [
        ['sparse', 'BidlSparseMatMul'],
        ['lookup', 'BidlLookupMatMul'],
        ['dense', 'BidlDenseMatMul'],
      ];
      const right = [
        ['sparse', 'BidlSparseMatMulRightTransposed'],
        ['dense', 'BidlDenseMatMulRightTransposed'],
      ];
      yield { ...group, forms: forms(plain, b, false) };
      yield { ...group, name: `${group.name}-right`, forms: forms(right, turned, true) };
      tf.dispose([a, b, turned]);
    }
  }
}

const spikes = (shape, share) => tf.tidy(() => tf.cast(tf.less(tf.randomUniform(shape), share), 'float32'));

const attribute = (kind, name, value) => ({ name, type: tf.backend().binding[`TF_ATTR_${kind}`], value });
const float = () => attribute('TYPE', 'T', tf.backend().binding.TF_FLOAT);
const matMul = (transposed) => () => [
  float(),
  attribute('BOOL', 'transpose_a', false),
  attribute('BOOL', 'transpose_b', transposed),
];
const CONV2D = () => [
  float(),
  attribute('INT', 'strides', [1, 1, 1, 1]),
  attribute('STRING', 'padding', 'SAME'),
];
const op = (name, inputs, attributes = () => []) =>
  tf.backend().executeSingleOutput(name, attributes(), inputs);

function ownConvolution(x, w, way) {
  const [, rows, columns] = x.shape;
  const given = { stride_h: 1, stride_w: 1, pad_h: 1, pad_w: 1, rows, columns, way };
  const attributes = () => Object.entries(given).map(([name, value]) => attribute('INT', name, value));
  read(op('BidlConv2D', [x, w], attributes));
}

/** Waits for a result. */
function read(y) {
  const one = tf.tidy(() => tf.slice(tf.reshape(y, [-1]), [0], [1]));
  one.dataSync();
  tf.dispose([one, y]);
}
