import { type NdArray, ndarray } from '@bidl/formats';
import { GraphError, type Attributes, type Node, type OpName, type StepGraph } from '@bidl/graph';

/** A pass: another graph that computes the same. */
export type Pass = (graph: StepGraph) => StepGraph;

/**
 * A graph being rewritten: its nodes by id, who uses a value, and changes that keep the order of execution. The graph
 * that it was made from stays as it is.
 */
export class Rewrite {
  private readonly nodes: Map<string, Node>;
  private readonly weights: Record<string, NdArray<Float32Array>>;
  private outputs: StepGraph['outputs'];

  constructor(private readonly graph: StepGraph) {
    this.outputs = graph.outputs;
    this.nodes = new Map(graph.nodes.map((node) => [node.id, node]));
    this.weights = { ...graph.weights };
  }

  /** The nodes as they stand now, in order of execution. */
  list(): Node[] {
    return [...this.nodes.values()];
  }

  node(id: string): Node | undefined {
    return this.nodes.get(id);
  }

  /** A node that must be there. */
  get(id: string): Node {
    const node = this.nodes.get(id);
    if (!node) throw new GraphError(`graph "${this.graph.name}" has no node "${id}"`);
    return node;
  }

  weight(id: string): NdArray<Float32Array> | undefined {
    return this.weights[id];
  }

  /** Nodes that read a value. */
  users(id: string): Node[] {
    return this.list().filter((node) => node.inputs.includes(id));
  }

  /** Whether `user` alone reads the value, once, and nothing hands it out. */
  usedOnlyBy(id: string, user: string): boolean {
    if (this.outputs.some(({ value }) => value === id)) return false;
    const users = this.users(id);
    return users.length === 1 && users[0].id === user && users[0].inputs.filter((x) => x === id).length === 1;
  }

  /** The number that a value always is: a constant, or a weight whose elements are all the same. */
  scalar(id: string): number | undefined {
    const node = this.nodes.get(id);
    if (node) return node.op === 'constant' ? Math.fround(Number(node.attrs['value'])) : undefined;
    const data = this.weights[id]?.data;
    return data && data.length > 0 && data.every((x) => x === data[0]) ? data[0] : undefined;
  }

  /** Values of a constant or weight. */
  numbers(id: string): ArrayLike<number> | undefined {
    const node = this.nodes.get(id);
    if (node) return node.op === 'constant' ? [Math.fround(Number(node.attrs['value']))] : undefined;
    return this.weights[id]?.data;
  }

  /** Puts another operation in a node's place; id, type and layer stay. */
  replace(id: string, op: OpName, inputs: readonly string[], attrs: Attributes = {}): void {
    this.nodes.set(id, { ...this.get(id), op, inputs, attrs });
  }

  /** Makes a node part of another layer. */
  moveTo(id: string, layer: string): void {
    this.nodes.set(id, { ...this.get(id), layer });
  }

  /** Adds a weight under `base`, numbered where that is taken. */
  addWeight(base: string, data: Float32Array, shape: readonly number[]): string {
    const id = this.free(base);
    this.weights[id] = ndarray(data, shape);
    return id;
  }

  /** Lets everything that read `id` read `by` instead, outputs included. */
  bypass(id: string, by: string): void {
    const swap = (x: string) => (x === id ? by : x);
    for (const node of this.users(id)) this.nodes.set(node.id, { ...node, inputs: node.inputs.map(swap) });
    this.outputs = this.outputs.map((output) => ({ ...output, value: swap(output.value) }));
  }

  done(): StepGraph {
    return { ...this.graph, nodes: this.list(), weights: { ...this.weights }, outputs: this.outputs };
  }

  private free(base: string): string {
    const taken = (id: string) =>
      this.nodes.has(id) ||
      Object.hasOwn(this.weights, id) ||
      this.graph.inputs.some(({ name }) => name === id);
    for (let i = 0; ; i++) {
      const id = i === 0 ? base : `${base}_${i}`;
      if (!taken(id)) return id;
    }
  }
}
