import { distance } from 'fastest-levenshtein';

/**
 * The candidate nearest to a misspelt name, by edit distance, or undefined when none is plausibly meant.
 * Upper and lower case count as equal at first, so `resnetlif` finds `ResNetLif`.
 *
 * @example suggest('RandomCropVidio', ['RandomCropVideo', 'Collect']) // 'RandomCropVideo'
 */
export function suggest(name: string, candidates: Iterable<string>): string | undefined {
  return nearest(name, candidates, 1)[0];
}

/** What to do about an unknown name: the nearest candidate, or all of them. */
export function remedyFor(name: string, candidates: readonly string[]): string {
  const near = suggest(name, candidates);
  return near === undefined ? `Use one of ${candidates.join(', ')}.` : `Did you mean "${near}"?`;
}

/** Up to `count` plausible candidates, the nearest first. */
export function nearest(name: string, candidates: Iterable<string>, count = 3): string[] {
  const wanted = name.toLowerCase();
  const allowed =
    wanted.length < 2 ? 0 : wanted.length < 4 ? 1 : Math.max(2, Math.floor(wanted.length * 0.4));
  return [...new Set(candidates)]
    .map((candidate) => {
      const edits = distance(wanted, candidate.toLowerCase());
      return { candidate, edits, score: score(wanted, candidate.toLowerCase(), edits) };
    })
    .filter(({ score: s }) => s <= allowed)
    .sort((a, b) => a.score - b.score || a.edits - b.edits || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

/** Edit distance; a name that only lacks an end (`Clif3Fc3` for `Clif3Fc3Dm`) counts as near. */
function score(wanted: string, candidate: string, edits: number): number {
  const isPart = wanted.length >= 4 && (candidate.includes(wanted) || wanted.includes(candidate));
  return isPart && candidate.length >= 4 ? Math.min(edits, Math.floor(wanted.length * 0.4)) : edits;
}
