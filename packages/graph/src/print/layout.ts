/** A box to place. */
export interface Box {
  readonly id: string;
  readonly width: number;
  readonly height: number;
  /** Stands right above what reads it instead of at the top. */
  readonly floating?: boolean;
}

export interface Edge {
  readonly from: string;
  readonly to: string;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Placed {
  readonly box: Box;
  /** Upper left corner. */
  readonly x: number;
  readonly y: number;
}

export interface Layout {
  readonly boxes: readonly Placed[];
  /** From the lower edge of one box to the upper edge of another, through the gaps between boxes. */
  readonly paths: readonly (Edge & { readonly points: readonly Point[] })[];
  readonly width: number;
  readonly height: number;
}

const GAP = { x: 24, y: 36 };
const SWEEPS = 12;

/** A box, or the place where a long edge passes a row. */
interface Slot {
  readonly id: string;
  readonly width: number;
  x: number;
}

/**
 * Layered layout, top to bottom: each box stands below everything it reads, rows are ordered to keep edges short.
 * The same input gives the same layout. Boxes come in an order in which edges point forwards; an edge that points
 * backwards is left out.
 */
export function layered(boxes: readonly Box[], edges: readonly Edge[]): Layout {
  const order = new Map(boxes.map(({ id }, i) => [id, i]));
  const forward = edges.filter(({ from, to }) => (order.get(from) ?? 0) < (order.get(to) ?? -1));
  const ranks = rank(boxes, forward);
  const rows: Slot[][] = [];
  const slots = new Map<string, Slot>();
  const put = (row: number, id: string, width: number) => {
    const slot = { id, width, x: 0 };
    (rows[row] ??= []).push(slot);
    slots.set(id, slot);
  };
  for (const { id, width } of boxes) put(ranks.get(id) ?? 0, id, width);

  // Long edges get a slot in every row that they cross.
  const chains = forward.map(({ from, to }) => {
    const chain = [from];
    for (let row = (ranks.get(from) ?? 0) + 1; row < (ranks.get(to) ?? 0); row++) {
      // Edges from the same box share their way.
      const id = `\u0000${from}\u0000${row}`;
      if (!slots.has(id)) put(row, id, 2);
      chain.push(id);
    }
    return [...chain, to];
  });
  const links = chains.flatMap((chain) => chain.slice(1).map((to, i): Edge => ({ from: chain[i], to })));
  arrange(rows, links, slots);

  const heights = rows.map(() => 0);
  for (const { id, height } of boxes) {
    const row = ranks.get(id) ?? 0;
    heights[row] = Math.max(heights[row], height);
  }
  const tops = heights.map((_, row) => heights.slice(0, row).reduce((y, h) => y + h + GAP.y, GAP.y));
  const placed = new Map(
    boxes.map((box) => {
      const row = ranks.get(box.id) ?? 0;
      return [box.id, { box, x: slots.get(box.id)?.x ?? 0, y: tops[row] + (heights[row] - box.height) / 2 }];
    }),
  );
  const paths = forward.map((edge, i) => {
    const points = chains[i].flatMap((id): Point[] => {
      const at = placed.get(id);
      const slot = slots.get(id);
      const x = (slot?.x ?? 0) + (slot?.width ?? 0) / 2;
      if (at) return [{ x, y: id === edge.from ? at.y + at.box.height : at.y }];
      const row = Number(id.split('\u0000')[2]);
      return [
        { x, y: tops[row] },
        { x, y: tops[row] + heights[row] },
      ];
    });
    return { ...edge, points };
  });
  const right = Math.max(0, ...[...slots.values()].map(({ x, width }) => x + width));
  return {
    boxes: [...placed.values()],
    paths,
    width: right + GAP.x,
    height: tops[tops.length - 1] + heights[heights.length - 1] + GAP.y,
  };
}

/** Row of each box: below everything it reads; floating ones right above their first reader. */
function rank(boxes: readonly Box[], edges: readonly Edge[]): Map<string, number> {
  const ranks = new Map<string, number>();
  const into = group(edges, ({ to }) => to);
  for (const { id } of boxes) {
    ranks.set(id, Math.max(0, ...(into.get(id) ?? []).map(({ from }) => (ranks.get(from) ?? 0) + 1)));
  }
  const out = group(edges, ({ from }) => from);
  for (const { id, floating } of boxes) {
    const readers = (out.get(id) ?? []).map(({ to }) => ranks.get(to) ?? 1);
    if (floating && readers.length > 0) ranks.set(id, Math.max(0, Math.min(...readers) - 1));
  }
  return ranks;
}

function group<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}

/** Orders each row by where its neighbours stand, down and up again, then pulls slots towards them. */
function arrange(rows: readonly Slot[][], links: readonly Edge[], slots: ReadonlyMap<string, Slot>): void {
  const above = group(links, ({ to }) => to);
  const below = group(links, ({ from }) => from);
  const centre = (slot: Slot) => slot.x + slot.width / 2;
  const wish = (slot: Slot, side: 'above' | 'below'): number => {
    const neighbours =
      side === 'above'
        ? (above.get(slot.id) ?? []).map(({ from }) => from)
        : (below.get(slot.id) ?? []).map(({ to }) => to);
    const found = neighbours.flatMap((id) => slots.get(id) ?? []);
    return found.length === 0 ? centre(slot) : found.reduce((sum, s) => sum + centre(s), 0) / found.length;
  };
  rows.forEach((row) =>
    spread(
      row,
      row.map((_, i) => i * 100),
    ),
  );
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const side = sweep % 2 === 0 ? 'above' : 'below';
    const ordered = side === 'above' ? rows : [...rows].reverse();
    for (const row of ordered) {
      const wishes = new Map(row.map((slot) => [slot, wish(slot, side)]));
      // Array.prototype.sort is stable, so equal wishes keep their order.
      row.sort((a, b) => (wishes.get(a) ?? 0) - (wishes.get(b) ?? 0));
      spread(
        row,
        row.map((slot) => wishes.get(slot) ?? 0),
      );
    }
  }
  const left = Math.min(...rows.flat().map(({ x }) => x));
  for (const slot of rows.flat()) slot.x += GAP.x - left;
}

/** Puts a row's slots as near to their wishes as their widths allow: those that would overlap stand around their mean. */
function spread(row: readonly Slot[], wishes: readonly number[]): void {
  interface Block {
    slots: Slot[];
    /** Sum over the slots of wish minus offset inside the block. */
    pull: number;
    width: number;
  }
  const blocks: Block[] = [];
  row.forEach((slot, i) => {
    let block: Block = { slots: [slot], pull: wishes[i] - slot.width / 2, width: slot.width + GAP.x };
    for (let last = blocks.at(-1); last && start(last) + last.width > start(block); last = blocks.at(-1)) {
      block = {
        slots: [...last.slots, ...block.slots],
        pull: last.pull + block.pull - block.slots.length * last.width,
        width: last.width + block.width,
      };
      blocks.pop();
    }
    blocks.push(block);
  });
  for (const block of blocks) {
    let x = start(block);
    for (const slot of block.slots) {
      slot.x = x;
      x += slot.width + GAP.x;
    }
  }
  function start(block: Block): number {
    return block.pull / block.slots.length;
  }
}
