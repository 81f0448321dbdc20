import { inputsOf, type Expression } from './expression.js';
import { reachable } from './gradient.js';

/** Cost of keeping a node: what it takes to write it and to read it again; Infinity where it can't be kept. */
export type Cost = (node: Expression) => number;

/**
 * The cheapest set of nodes from which all of `needed` can be computed again: a minimum vertex cut between the leaves
 * that are gone later and the needed nodes.
 *
 * @param gone leaves whose value is not there any more; all other leaves are
 */
export function cheapestCut(
  needed: readonly Expression[],
  gone: ReadonlySet<Expression>,
  cost: Cost,
): Expression[] {
  const nodes = reachable(needed);
  const flow = new Network();
  for (const node of nodes) {
    flow.connect(`in ${node.id}`, `out ${node.id}`, cost(node));
    if (gone.has(node)) flow.connect('source', `in ${node.id}`, Infinity);
    for (const operand of inputsOf(node)) flow.connect(`out ${operand.id}`, `in ${node.id}`, Infinity);
  }
  for (const node of needed) flow.connect(`out ${node.id}`, 'sink', Infinity);
  const side = flow.sourceSide();
  return nodes.filter((node) => side.has(`in ${node.id}`) && !side.has(`out ${node.id}`));
}

/** Maximum flow by shortest augmenting paths (Edmonds and Karp); networks here have a few dozen nodes. */
class Network {
  private readonly left = new Map<string, Map<string, number>>();

  connect(from: string, to: string, capacity: number): void {
    this.add(from, to, capacity);
    this.add(to, from, 0);
  }

  /** Vertices that the source still reaches when no more can flow. */
  sourceSide(): ReadonlySet<string> {
    for (;;) {
      const came = this.search();
      if (!came.has('sink')) return new Set(came.keys());
      const path: [string, string][] = [];
      for (let to = 'sink', from = came.get(to); from !== undefined; to = from, from = came.get(to)) {
        path.push([from, to]);
      }
      const amount = Math.min(...path.map(([from, to]) => this.left.get(from)?.get(to) ?? 0));
      if (amount === Infinity) throw new RangeError('a node is needed that can be neither kept nor computed');
      for (const [from, to] of path) {
        this.add(from, to, -amount);
        this.add(to, from, amount);
      }
    }
  }

  private add(from: string, to: string, capacity: number): void {
    const edges = this.left.get(from) ?? new Map<string, number>();
    edges.set(to, (edges.get(to) ?? 0) + capacity);
    this.left.set(from, edges);
  }

  /** Where each vertex that can be reached was reached from, breadth first. */
  private search(): Map<string, string | undefined> {
    const came = new Map<string, string | undefined>([['source', undefined]]);
    for (const from of came.keys()) {
      for (const [to, capacity] of this.left.get(from) ?? []) {
        if (capacity > 0 && !came.has(to)) came.set(to, from);
      }
      if (came.has('sink')) break;
    }
    return came;
  }
}
