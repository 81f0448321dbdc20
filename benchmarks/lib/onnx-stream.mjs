// onnxruntime's step model over the samples of the stream benchmark: state in, state out.
import { stepModel } from '@bidl/compile';
import ort from 'onnxruntime-node';

/**
 * @param graph as `compileOnnxGraph` gives it
 * @param samples by sample and step: bytes [H, W, C]
 * @returns `run()` over all samples, giving the logits of every step one after the other
 */
export async function onnxStream(graph, samples) {
  const session = await ort.InferenceSession.create(stepModel(graph));
  const [{ name: input, type }] = graph.inputs;
  const [height, width, channels] = type.shape;
  const first = (shape) => (shape.length === 3 ? [shape[2], shape[0], shape[1]] : shape);
  const tensor = (data, shape) => new ort.Tensor('float32', data, [1, ...shape]);
  const images = samples.map((frames) =>
    frames.map((frame) => tensor(channelsFirst(frame, channels), [channels, height, width])),
  );
  const start = () =>
    Object.fromEntries(
      graph.states.map(({ key, shape, initial }) => {
        const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(initial);
        return [`state/${key}`, tensor(data, first(shape))];
      }),
    );
  return async () => {
    const logits = [];
    for (const frames of images) {
      let states = start();
      for (const image of frames) {
        const out = await session.run({ [input]: image, ...states });
        states = Object.fromEntries(graph.states.map(({ key }) => [`state/${key}`, out[`next/${key}`]]));
        logits.push(...out[graph.outputs[0].name].data);
      }
    }
    return Float32Array.from(logits);
  };
}

function channelsFirst(frame, channels) {
  const pixels = frame.length / channels;
  return Float32Array.from(frame, (_, i) => frame[(i % pixels) * channels + Math.floor(i / pixels)]);
}
