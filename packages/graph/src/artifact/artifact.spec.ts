import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  mkdirSync,
  existsSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { StepGraph } from '../graph.js';
import { roundToHalf } from '../ops/half.js';
import { randomFrame, randomNumbers, smallNetwork } from '../testing/networks.js';
import { canonicalJson, sha256 } from './canonical.js';
import { artifactFiles, type ArtifactSource } from './contents.js';
import { ArtifactError } from './error.js';
import { FILES, MANIFEST } from './layout.js';
import { matchArtifact } from './match.js';
import { readArtifact } from './read.js';
import { selfCheck } from './self-check.js';
import { createExecutor } from '../executor/executor.js';
import { packStates, sameStates, stateTable } from './state-table.js';
import { writeArtifact } from './write.js';

const config = sha256('config');
const checkpoint = sha256('checkpoint');

function source(graph: StepGraph = smallNetwork(), batch = 1, count = 1): ArtifactSource {
  const random = randomNumbers(3);
  const samples = Array.from({ length: count }, () =>
    Array.from({ length: graph.timesteps }, () => [randomFrame(random, 60)]),
  );
  const target = { name: 'apu', options: { fit: true, batch } };
  return {
    graph,
    batch,
    producer: { name: '@bidl/compile', version: '0.1.0' },
    config,
    checkpoint,
    target,
    samples,
  };
}

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'bidl-artifact-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const failure = (path: string): ArtifactError => {
  try {
    readArtifact(path);
  } catch (error) {
    if (error instanceof ArtifactError) return error;
    throw error;
  }
  throw new Error('the artifact was read');
};

describe('writeArtifact and readArtifact', () => {
  it('give the graph back, in the folder of the seed page to the name', async () => {
    const dir = join(folder, 'Clif3fc3dm_itoutDm');
    const made = source();
    await writeArtifact(dir, made);
    expect(readdirSync(folder)).toEqual(['Clif3fc3dm_itoutDm']);
    const names = readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
      .sort();
    const model = names.find((name) => name.endsWith('.mdl'));
    expect(model).toMatch(/^Net_0\/apu_0\/apu_x\/lyn__[0-9a-f]{32}\.mdl$/);
    expect(names).toEqual([...Object.values(FILES), MANIFEST, model].sort());

    const artifact = readArtifact(dir);
    expect(artifact.graph).toEqual(made.graph);
    expect(artifact.manifest).toMatchObject({ config, checkpoint, batch: 1, timesteps: 4, name: 'small' });
    expect(artifact.stateArea).toEqual({ addr: 0, size: 512 + 64, memory: 'ddr', relocatable: true });
    expect(artifact.checks.case0.inputs).toEqual(made.samples[0]);
    expect(readArtifact(join(dir, 'Net_0')).dir).toBe(dir);
    expect(selfCheck(artifact)).toEqual({ equal: true, differences: [], samples: 2, timesteps: 4 });
  });

  it('gives the same bytes for the same source, whatever the order of keys, and another name for other weights', () => {
    const reversed = <T extends object>(value: T): T =>
      Object.fromEntries(Object.entries(value).reverse()) as T;
    const graph = smallNetwork();
    const one = artifactFiles(source(graph));
    const other = artifactFiles(
      source({ ...reversed(graph), weights: reversed(graph.weights), nodes: graph.nodes.map(reversed) }),
    );
    expect([...other.keys()]).toEqual([...one.keys()]);
    for (const [path, bytes] of one) expect([path, sha256(other.get(path)!)]).toEqual([path, sha256(bytes)]);
    const model = (files: ReadonlyMap<string, unknown>) =>
      [...files.keys()].find((path) => path.endsWith('.mdl'));
    expect(model(artifactFiles(source(smallNetwork(2))))).not.toBe(model(one));
  });

  it('says under upstream keys what goes in and out', () => {
    const placement = { memory: 'glb', relocatable: false } as const;
    const files = artifactFiles({ ...source(smallNetwork(), 2, 2), placement });
    const json = (path: string): unknown => JSON.parse(new TextDecoder().decode(files.get(path)));
    expect(json(FILES.topGraph)).toEqual({
      main: {
        inputs: { data: { batch: 2, dtype: 'uint8', shape: '6,5,2' } },
        outputs: { logits: { batch: 2, dtype: 'float32', shape: '3' } },
      },
    });
    expect(json(FILES.chip)).toEqual({
      apu_x: {
        batch_size: 2,
        n_slice: 2,
        userload: { info: [{ addr: 0, size: 2 * (512 + 64), memory: 'glb', relocatable: false }] },
        inputs: [{ name: 'data', dtype: 'uint8', size: 60 }],
        outputs: [{ name: 'logits', dtype: 'float32', size: 3 }],
      },
    });
  });

  it('stores halves where nothing is lost, and float16 states', async () => {
    const graph = smallNetwork();
    const weights = Object.fromEntries(
      Object.entries(graph.weights).map(([name, array]) => [
        name,
        { ...array, data: roundToHalf(array.data) },
      ]),
    );
    const half: StepGraph = {
      ...graph,
      weights,
      states: graph.states.map((slot) => ({ ...slot, dtype: 'float16' })),
    };
    expect(artifactFiles(source(half)).get(FILES.synapses)!.length).toBeLessThan(
      artifactFiles(source(graph)).get(FILES.synapses)!.length * 0.8,
    );
    const dir = join(folder, 'half');
    await writeArtifact(dir, source(half, 4, 3));
    const artifact = readArtifact(dir);
    expect(artifact.graph).toEqual(half);
    expect(artifact.checks.batch.n).toBe(4);
    expect(artifact.checks.batch.firstState?.length).toBe(artifact.stateArea.size);
    expect(selfCheck(dir).equal).toBe(true);
  });

  it('finds out by itself when the graph no longer gives what the artifact expects', async () => {
    const dir = join(folder, 'a');
    await writeArtifact(dir, source());
    const artifact = readArtifact(dir);
    const other = { ...artifact, graph: smallNetwork(9) };
    expect(selfCheck(other).differences.map(({ file }) => file)).toEqual(
      expect.arrayContaining([FILES.caseOutput, FILES.caseState, FILES.batchOutput]),
    );
  });

  it('names the file in which a byte was changed: any file, any place', async () => {
    const dir = join(folder, 'a');
    await writeArtifact(dir, source());
    const files = [...artifactFiles(source())].filter(([, bytes]) => bytes.length > 0);
    const names = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((f) => f.isFile());
    expect(files).toHaveLength(names.length);
    const damage = (path: string, damaged: Uint8Array, bytes: Uint8Array) => {
      writeFileSync(join(dir, path), damaged);
      try {
        const error = failure(dir);
        expect(error.file).toBe(path);
        expect(error.message).toContain(path);
        expect(error.message).toContain('bidl compile');
      } finally {
        writeFileSync(join(dir, path), bytes);
      }
    };
    const flip = ([path, bytes]: [string, Uint8Array], at: number, change: number) => {
      const damaged = bytes.slice();
      damaged[at % bytes.length] ^= change;
      damage(path, damaged, bytes);
    };
    for (const file of files) {
      const [path, bytes] = file;
      for (const at of new Set([0, bytes.length >> 1, bytes.length - 1])) flip(file, at, 1);
      damage(path, bytes.slice(0, -1), bytes);
      damage(path, Uint8Array.from([...bytes, 0]), bytes);
    }
    const anywhere = fc.property(fc.constantFrom(...files), fc.nat(), fc.integer({ min: 1, max: 255 }), flip);
    fc.assert(anywhere, { numRuns: 100 });
    // The manifest vouches for all others: places all over it.
    const manifest = files.find(([path]) => path === MANIFEST)!;
    for (let at = 0; at < manifest[1].length; at += 37) flip(manifest, at, 1 << (at % 8));
    expect(selfCheck(dir).equal).toBe(true);
  });

  it('names what is missing, foreign, or of another version', async () => {
    const dir = join(folder, 'a');
    const fresh = () => writeArtifact(dir, source());
    expect(failure(dir).message).toBe(
      `${dir}: there is no such artifact; compile it first (bidl compile), or check the path`,
    );
    mkdirSync(dir);
    expect(failure(dir)).toMatchObject({ file: MANIFEST });

    await fresh();
    rmSync(join(dir, FILES.synapses));
    expect(failure(dir).message).toContain(`${FILES.synapses}: is missing`);

    await fresh();
    writeFileSync(join(dir, 'Net_0/notes.txt'), '');
    expect(failure(dir)).toMatchObject({
      file: 'Net_0/notes.txt',
      remedy: expect.stringContaining('remove it') as string,
    });
    await fresh();
    mkdirSync(join(dir, 'extra'));
    expect(failure(dir).file).toBe('extra');
    await fresh();
    rmSync(join(dir, FILES.log));
    symlinkSync('/etc/hostname', join(dir, FILES.log));
    expect(failure(dir).file).toBe(FILES.log);

    await fresh();
    const manifest = readFileSync(join(dir, MANIFEST), 'utf8');
    writeFileSync(join(dir, MANIFEST), manifest.replace('"version": 2\n', '"version": 7\n'));
    expect(failure(dir).message).toContain(
      'the artifact has format version 7, this library reads version 2; compile it again',
    );
    writeFileSync(join(dir, MANIFEST), manifest.replaceAll('bidl-artifact', 'tvm-artifact'));
    expect(failure(dir).message).toContain('is no manifest');
    writeFileSync(join(dir, MANIFEST), manifest.replace('"apu"', '"onnx"'));
    expect(failure(dir).message).toContain('does not agree with its own hash');
  });

  it('does not believe a manifest that is sealed but senseless', async () => {
    const dir = join(folder, 'a');
    await writeArtifact(dir, source());
    const resealed = (path: string, text: string) => {
      writeFileSync(join(dir, path), text);
      const rest = JSON.parse(readFileSync(join(dir, MANIFEST), 'utf8')) as {
        hash?: string;
        files: Record<string, { bytes: number; sha256: string }>;
      };
      delete rest.hash;
      rest.files[path] = { bytes: text.length, sha256: sha256(text) };
      writeFileSync(join(dir, MANIFEST), canonicalJson({ ...rest, hash: sha256(canonicalJson(rest)) }));
    };
    const graph = readFileSync(join(dir, FILES.graph), 'utf8');
    resealed(FILES.graph, graph.replace('"clif1/gt"', '"clif1/lt"'));
    expect(failure(dir).message).toContain('reads');
    resealed(FILES.graph, '{}');
    expect(failure(dir).file).toBe(FILES.graph);
    resealed(FILES.graph, graph);
    const chip = readFileSync(join(dir, FILES.chip), 'utf8');
    resealed(FILES.chip, chip.replace('"ddr"', '"sram"'));
    expect(failure(dir)).toMatchObject({ file: FILES.chip });
    resealed(FILES.chip, chip.replace('"n_slice": 1', '"n_slice": 2'));
    expect(failure(dir).message).toContain("batch_size 1 and n_slice 2 must both be the manifest's batch 1");
    resealed(FILES.chip, chip);
    resealed(FILES.caseInput, 'short');
    expect(failure(dir).message).toContain('has 5 bytes, the graph needs 240');
    resealed('../outside', 'text');
    expect(failure(dir).message).toContain('names "../outside", which no artifact has');
  });

  it('replaces an artifact as a whole and leaves other folders alone', async () => {
    const dir = join(folder, 'a');
    await writeArtifact(dir, source());
    await writeArtifact(dir, source(smallNetwork(2)));
    expect(readArtifact(dir).graph).toEqual(smallNetwork(2));
    const mine = join(folder, 'mine');
    mkdirSync(mine);
    writeFileSync(join(mine, 'thesis.tex'), 'text');
    await expect(writeArtifact(mine, source())).rejects.toThrow(
      'holds thesis.tex and is no artifact, so it is not replaced',
    );
    expect(existsSync(join(mine, 'thesis.tex'))).toBe(true);
    await expect(writeArtifact(join(mine, 'thesis.tex'), source())).rejects.toThrow('is no folder');
    expect(readdirSync(folder).sort()).toEqual(['a', 'mine']);
  });

  it('wants samples that fit', () => {
    const { samples, ...rest } = source();
    expect(() => artifactFiles({ ...rest, samples: [] })).toThrow('at least one real sample');
    expect(() => artifactFiles({ ...rest, samples: [samples[0].slice(1)] })).toThrow(
      'sample 0 has 3 step(s), but graph "small" takes 4',
    );
    expect(() => artifactFiles({ ...rest, samples: [samples[0].map(() => [new Uint8Array(59)])] })).toThrow(
      'sample 0, step 0: input "data" needs [6, 5, 2]',
    );
    expect(() => artifactFiles({ ...rest, samples, batch: 0 })).toThrow('batch 0');
  });
});

test('states are the same whatever lies between them', () => {
  const table = stateTable(smallNetwork());
  const state = createExecutor(smallNetwork()).initialState(2);
  const [a, b] = [packStates(table, state, 2), packStates(table, state, 2)];
  const used = new Set(
    table.entries.flatMap(({ offset, bytes }) =>
      [0, table.bytesPerSample].flatMap((at) => Array.from({ length: bytes }, (_, i) => at + offset + i)),
    ),
  );
  a.forEach((_, i) => {
    b[i] ^= 1;
    expect([i, sameStates(table, a, b, 2)]).toEqual([i, !used.has(i)]);
    b[i] ^= 1;
  });
  expect(sameStates(table, a, b.subarray(1), 2)).toBe(false);
});

describe('matchArtifact', () => {
  it('says what an artifact was made from instead', async () => {
    const dir = join(folder, 'a');
    await writeArtifact(dir, source());
    const artifact = readArtifact(dir);
    expect(() => matchArtifact(artifact, { config, checkpoint, timesteps: 4, batch: 1 })).not.toThrow();
    expect(() => matchArtifact(artifact, { checkpoint: config })).toThrow(
      /was compiled from another checkpoint \(/,
    );
    expect(() => matchArtifact(artifact, { config: checkpoint })).toThrow(/another config .*--use-legacy 0/);
    expect(() => matchArtifact(artifact, { timesteps: 20 })).toThrow('was compiled for timesteps 4, not 20');
    expect(() => matchArtifact(artifact, { batch: 4 })).toThrow('was compiled for batch 1, not 4');
    expect(() => matchArtifact(artifact, { options: { fit: true, other: undefined } })).not.toThrow();
    expect(() => matchArtifact(artifact, { options: { fit: false } })).toThrow(
      'was compiled for fit true, not false; compile it again',
    );
  });
});
