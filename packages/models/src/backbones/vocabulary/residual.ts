/** The residual networks that are offered: kind of block, and blocks of each of the four stages. */
const DEPTHS = {
  10: ['basic', [1, 1, 1, 1]],
  18: ['basic', [2, 2, 2, 2]],
  34: ['basic', [3, 4, 6, 3]],
  50: ['bottleneck', [3, 4, 6, 3]],
  101: ['bottleneck', [3, 4, 23, 3]],
  152: ['bottleneck', [3, 8, 36, 3]],
} as const;

export type Depth = keyof typeof DEPTHS;
export const DEPTH_NAMES = Object.keys(DEPTHS).map(Number) as Depth[];

/** One residual block: two 3x3 convolutions, or 1x1, 3x3, 1x1 with a quarter of the channels inside. */
export interface Block {
  /** `layer1/0`: stage and place in it. */
  readonly name: string;
  readonly kind: 'basic' | 'bottleneck';
  /** Channels of its output. */
  readonly channels: number;
  /** Of its 3x3 convolution (the first one). */
  readonly stride: 1 | 2;
  /** First of its stage. */
  readonly first: boolean;
}

/** The convolutions of a block in order: channels, kernel and stride. */
export function convolutionsOf({ kind, channels, stride }: Block) {
  return kind === 'basic'
    ? [
        { channels, kernel: 3, stride },
        { channels, kernel: 3, stride: 1 },
      ]
    : [
        { channels: channels / 4, kernel: 1, stride: 1 },
        { channels: channels / 4, kernel: 3, stride },
        { channels, kernel: 1, stride: 1 },
      ];
}

/** All blocks of a network: channels double and sides halve from stage to stage. */
export function blocksOf(depth: Depth, baseChannels: number): Block[] {
  const [kind, stages] = DEPTHS[depth];
  const expansion = kind === 'basic' ? 1 : 4;
  return stages.flatMap((count, stage) =>
    Array.from({ length: count }, (_, i) => ({
      name: `layer${stage + 1}/${i}`,
      kind,
      channels: baseChannels * expansion * 2 ** stage,
      stride: stage > 0 && i === 0 ? (2 as const) : (1 as const),
      first: i === 0,
    })),
  );
}
