import path from 'node:path';

import { Command } from 'commander';

import { compileOptions, takesCompile, type CompileFlags } from '../deploy-options.js';
import { interruptSignal } from '../interrupt.js';
import { configNamed, loadRun } from '../load-run.js';
import { takesConfig } from '../options.js';
import { openOutput, shortPath } from '../output.js';

interface Flags extends CompileFlags {
  readonly print?: boolean;
  readonly svg?: string;
}

/** `bidl compile CONFIG --checkpoint FILE`: writes the artifact. */
export const compileCommand = (): Command =>
  takesCompile(takesConfig(new Command('compile').description('compile a trained network')))
    .option('--print', 'show operations, shapes, states and sizes')
    .option('--svg <file>', 'draw the network’s graph into a file')
    .option('--json', 'print the result as one JSON line on stdout, everything else on stderr')
    .action(run);

async function run(argument: string | undefined, flags: Flags): Promise<void> {
  const name = configNamed(argument, flags.config);
  const output = openOutput(flags);
  const signal = interruptSignal();
  const loaded = await loadRun(name, flags.cfgOptions);
  const { compile } = await import('@bidl/deploy');
  const log = (line: string): void => output.line(line);
  const { folder, graph, placement } = await compile(loaded, { ...compileOptions(flags), log, signal });
  const { graphSvg, printGraph, summarize } = await import('@bidl/graph');
  if (flags.print) output.line(printGraph(graph));
  if (flags.svg !== undefined) {
    const file = path.resolve(flags.svg);
    const { saveFile } = await import('@bidl/formats');
    await saveFile(file, new TextEncoder().encode(graphSvg(graph)));
    output.line(`drawn: ${shortPath(file)}`);
  }
  const { total } = summarize(graph);
  const { memory, relocatable } = placement ?? {};
  output.json({ config: loaded.name, target: flags.target, artifact: folder, ...total, memory, relocatable });
  if (placement) {
    const bytes = (flags.b * total.stateBytes).toLocaleString('en');
    const where = placement.relocatable ? 'wherever there is room' : 'at the fixed address';
    output.line(`states: ${bytes} bytes in ${placement.memory.toUpperCase()}, ${where}`);
  }
  output.line(`${loaded.name}: compiled for ${flags.target}, ${shortPath(folder)}`);
}
