/** From `start` to `end` as `progress` goes from 0 to 1. */
export type Anneal = (start: number, end: number, progress: number) => number;

export const ANNEAL: Readonly<Record<'cos' | 'linear', Anneal>> = {
  cos: (start, end, progress) => end + ((start - end) * (1 + Math.cos(Math.PI * progress))) / 2,
  linear: (start, end, progress) => start + (end - start) * progress,
};
