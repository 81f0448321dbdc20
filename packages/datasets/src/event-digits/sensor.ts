/** A scene: the logarithm of the brightness of each pixel at a time. */
export interface Scene {
  /**
   * Writes log brightness at `time` (microseconds) for the pixels listed, one value per listed pixel.
   * Brightness is natural logarithm, so a contrast of 2:1 is 0.69 everywhere.
   */
  readonly render: (time: number, into: Float64Array) => void;
  /** The pixels that can change at all (y * width + x); the others make noise only. */
  readonly pixels: Int32Array;
}

export interface SensorOptions {
  readonly width: number;
  readonly height: number;
  /** Rise of log brightness since the last event that makes an ON event, for each pixel. */
  readonly onThreshold: Float32Array;
  /** Fall that makes an OFF event, for each pixel (a positive number). */
  readonly offThreshold: Float32Array;
  /** Time after an event in which the pixel makes none, in microseconds. */
  readonly refractory: number;
  /** Length of the recording in microseconds. */
  readonly duration: number;
  /** Time between two renderings; brightness runs straight from one to the next. */
  readonly step: number;
}

/** Events as sortable numbers: `(t * pixels + pixel) * 2 + polarity`, see {@link unpackEvents}. */
export type PackedEvents = number[];

/**
 * What an ideal event sensor sees: a pixel fires each time its log brightness has moved by a threshold since
 * its last event, up (ON) or down (OFF). Times are interpolated between renderings. An event that falls into
 * the refractory time is lost, and its step of brightness with it (as in ESIM, Rebecq et al. 2018).
 */
export function sense(scene: Scene, options: SensorOptions): PackedEvents {
  const { onThreshold, offThreshold, refractory, duration, step } = options;
  const size = options.width * options.height;
  const { pixels } = scene;
  const events: PackedEvents = [];
  const reference = new Float64Array(pixels.length);
  const quietUntil = new Float64Array(pixels.length).fill(-Infinity);
  let before = new Float64Array(pixels.length);
  let now = new Float64Array(pixels.length);
  scene.render(0, before);
  reference.set(before);

  for (let start = 0; start < duration; start += step) {
    const end = Math.min(start + step, duration);
    scene.render(end, now);
    for (let i = 0; i < pixels.length; i++) {
      const from = before[i] as number;
      const to = now[i] as number;
      if (from === to) continue;
      const pixel = pixels[i] as number;
      const rising = to > from;
      const threshold = (rising ? onThreshold[pixel] : offThreshold[pixel]) as number;
      const stride = rising ? threshold : -threshold;
      let level = (reference[i] as number) + stride;
      while (rising ? level <= to : level >= to) {
        // The reference may lie on the far side of `from` after a turn; the crossing is never before the step.
        const time = start + Math.max(0, (level - from) / (to - from)) * (end - start);
        reference[i] = level;
        if (time >= (quietUntil[i] as number)) {
          events.push((Math.floor(time) * size + pixel) * 2 + (rising ? 1 : 0));
          quietUntil[i] = time + refractory;
        }
        level += stride;
      }
    }
    [before, now] = [now, before];
  }
  return events;
}
