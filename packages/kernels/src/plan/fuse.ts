import type { Element, Group, Value } from './instructions.js';

const sameNumbers = (a: Value, b: Value): boolean =>
  a === b ||
  (a.constant !== undefined &&
    a.constant.length === b.constant?.length &&
    a.constant.every((x, i) => x === b.constant?.[i]));

/** x + v, fire and reset of a spiking neuron as one operation, where nothing else reads the membrane in between. */
export function fuseNeurons(group: Group): void {
  const { elements } = group;
  for (const sum of elements.filter(({ op }) => op === 'add')) {
    const [u] = sum.dst;
    const readers = elements.filter(({ src }) => src.includes(u));
    const fire = readers.find(({ op }) => op === 'gt');
    const reset = readers.find(({ op }) => op === 'resetDecay');
    if (!fire || !reset || readers.length !== 2 || u.escapes || u.home) continue;
    if (fire.src[0] !== u || reset.src[0] !== u || fire.src[1] === u || reset.src.slice(1).includes(u))
      continue;
    if (!fire.src[1].constant || !sameNumbers(fire.src[1], reset.src[1])) continue;
    const whole: Element = {
      op: 'integrateFire',
      dst: [fire.dst[0], reset.dst[0]],
      src: [...sum.src, ...reset.src.slice(1)],
    };
    // It takes the place of the later of the two: what it reads is there by then, and nobody reads the results before.
    const [early, late] = elements.indexOf(fire) < elements.indexOf(reset) ? [fire, reset] : [reset, fire];
    const between = elements.slice(elements.indexOf(sum) + 1, elements.indexOf(late));
    const clash = between.some(
      (e) => e !== early && (e.src.includes(early.dst[0]) || writesWhatIsRead(e, sum.src)),
    );
    if (clash) continue;
    group.elements = group.elements
      .map((e) => (e === late ? whole : e))
      .filter((e) => e !== sum && e !== early);
    return fuseNeurons(group);
  }
}

const writesWhatIsRead = ({ dst }: Element, src: readonly Value[]): boolean =>
  dst.some((to) =>
    src.some(
      (from) =>
        to.home && from.home && to.home.place === from.home.place && to.home.offset === from.home.offset,
    ),
  );
