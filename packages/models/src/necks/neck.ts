import { tf } from '@bidl/engine';
import { registry } from '@bidl/registry';
import type { Piece, Value } from '../backbones/vocabulary/piece.js';
import type { BackboneContext } from '../backbones/backbone.js';

/** What a neck is built for, apart from its own arguments. */
export type NeckContext = BackboneContext;

/**
 * Necks by the names that configs use: checked arguments to a function from a backbone's output to what the head takes,
 * both symbolic tensors. Their layers become part of the network: they have weights, run step by step and compile.
 */
export const necks = registry<Piece, NeckContext>('neck');

/** A network and a neck as one network. */
export function withNeck(network: tf.LayersModel, neck: Piece): tf.LayersModel {
  const outputs = neck(network.outputs[0] as Value);
  return tf.model({ inputs: network.inputs, outputs, name: network.name });
}
