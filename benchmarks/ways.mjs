// Ways to compute a convolution and a matrix product, by density: what the op library chooses from (conv_choice.cc,
// product_choice.cc). `mode` is the share of inputs that are not zero, or the pass of a dense convolution.
import { startEngine, tf } from '@bidl/engine';

const SHARES = [0.01, 0.05, 0.12, 0.25, 0.35, 0.5];
const FEW = 100; // images
/** Sides, inputs and outputs of SeqClif3Fc3Dm's convolutions behind spikes, 3x3. */
const CONVS = [
  [20, 32, 64],
  [10, 64, 128],
];
/** Sides, inputs, outputs and strides of convolutions over small images, 3x3, as deep networks have behind. */
const SMALL_CONVS = [
  [2, 512, 512, 1],
  [4, 256, 256, 1],
  [8, 128, 128, 1],
  [4, 256, 512, 2],
  [8, 128, 256, 2],
  [16, 64, 128, 2],
  [32, 64, 128, 2],
];
const SMALL_IMAGES = 64;
/** Rows, inner dimension, columns. */
const PRODUCTS = [
  [320, 3200, 512],
  [2000, 512, 512],
];
const CONV_WAYS = { sparse: 1, winograd: 2, direct: 3, lookup: 4 };

export async function* cases({ modes }) {
  const wanted = (mode) => !modes || modes.includes(mode);
  await startEngine({ backend: 'tensorflow' });
  for (const [side, inputs, outputs] of CONVS) {
    for (const share of SHARES.filter((n) => wanted(`${n}`))) {
      const x = spikes([FEW, side, side, inputs], share);
      const w = tf.randomNormal([3, 3, inputs, outputs]);
      yield {
        name: `ways-conv-${side}x${side}x${inputs}-${outputs}`,
        mode: `${share}`,
        against: 'tensorflow',
        forms: [
          ...Object.entries(CONV_WAYS).map(([form, way]) => ({
            form,
            run: () => read(ownConv('BidlConv2D', [x, w], [side, side], 1, way)),
          })),
          { form: 'tensorflow', run: () => read(op('Conv2D', [x, w], conv2d(1))) },
        ],
      };
      tf.dispose([x, w]);
    }
  }
  for (const [side, inputs, outputs, stride] of SMALL_CONVS) {
    const out = Math.ceil(side / stride);
    const x = spikes([SMALL_IMAGES, side, side, inputs], 0.5);
    const w = tf.randomNormal([3, 3, inputs, outputs]);
    const dy = tf.randomNormal([SMALL_IMAGES, out, out, outputs]);
    const [xSize, wSize] = [tf.tensor1d(x.shape, 'int32'), tf.tensor1d(w.shape, 'int32')];
    const passes = {
      forward: ['Conv2D', [x, w], 'BidlConv2D', [x, w], [out, out], stride === 1],
      filter: ['Conv2DBackpropFilter', [x, wSize, dy], 'BidlConv2DFilterGrad', [x, dy], [3, 3], stride === 1],
      input: ['Conv2DBackpropInput', [xSize, w, dy], 'BidlConv2DInputGrad', [dy, w], [side, side], true],
    };
    for (const [mode, [theirs, given, ours, operands, size, winograd]] of Object.entries(passes)) {
      if (!wanted(mode)) continue;
      const own = (form) => ({
        form,
        run: () => read(ownConv(ours, operands, size, stride, CONV_WAYS[form])),
      });
      yield {
        name: `ways-conv-${side}x${side}x${inputs}-${outputs}-s${stride}`,
        mode,
        against: 'tensorflow',
        forms: [
          ...(winograd ? [own('winograd')] : []),
          own('direct'),
          ...(mode === 'input' ? [] : [own('lookup')]),
          { form: 'tensorflow', run: () => read(op(theirs, given, conv2d(stride))) },
        ],
      };
    }
    tf.dispose([x, w, dy, xSize, wSize]);
  }
  for (const [m, k, n] of PRODUCTS) {
    for (const share of SHARES.filter((n) => wanted(`${n}`))) {
      const [b, turned, gradient] = [
        tf.randomNormal([k, n]),
        tf.randomNormal([n, k]),
        tf.randomNormal([m, n]),
      ];
      const a = spikes([m, k], share);
      const forms = (own, right, sides = [false, false]) => [
        ...own.map(([form, name]) => ({ form, run: () => read(op(name, [a, right])) })),
        { form: 'tensorflow', run: () => read(op('MatMul', [a, right], matMul(...sides))) },
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
      const left = [
        ['sparse', 'BidlSparseMatMulLeftTransposed'],
        ['lookup', 'BidlLookupMatMulLeftTransposed'],
        ['dense', 'BidlDenseMatMulLeftTransposed'],
      ];
      yield { ...group, forms: forms(plain, b) };
      yield { ...group, name: `${group.name}-right`, forms: forms(right, turned, [false, true]) };
      yield { ...group, name: `${group.name}-left`, forms: forms(left, gradient, [true, false]) };
      tf.dispose([a, b, turned, gradient]);
    }
  }
}

const spikes = (shape, share) => tf.tidy(() => tf.cast(tf.less(tf.randomUniform(shape), share), 'float32'));

const attribute = (kind, name, value) => ({ name, type: tf.backend().binding[`TF_ATTR_${kind}`], value });
const float = () => attribute('TYPE', 'T', tf.backend().binding.TF_FLOAT);
const matMul = (left, right) => () => [
  float(),
  attribute('BOOL', 'transpose_a', left),
  attribute('BOOL', 'transpose_b', right),
];
const conv2d = (stride) => () => [
  float(),
  attribute('INT', 'strides', [1, stride, stride, 1]),
  attribute('STRING', 'padding', 'SAME'),
];
const op = (name, inputs, attributes = () => []) =>
  tf.backend().executeSingleOutput(name, attributes(), inputs);

/** A pass of a 3x3 convolution of even sides by a way of the op library, padded as "SAME" pads. */
function ownConv(name, operands, [rows, columns], stride, way) {
  const pad = stride === 1 ? 1 : 0;
  const given = { stride_h: stride, stride_w: stride, pad_h: pad, pad_w: pad, rows, columns, way };
  return op(name, operands, () => Object.entries(given).map(([key, value]) => attribute('INT', key, value)));
}

/** Waits for a result. */
function read(y) {
  const one = tf.tidy(() => tf.slice(tf.reshape(y, [-1]), [0], [1]));
  one.dataSync();
  tf.dispose([one, y]);
}
