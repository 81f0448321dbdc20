import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { FormatError, type NdArray, writeNmnist } from '@bidl/formats';
import { rngFor } from '@bidl/pipelines';

import { buildDataset, createLoader, NMNIST, type NmnistArgs } from '../index.js';

const folder = mkdtempSync(join(tmpdir(), 'bidl-nmnist-'));
afterAll(() => rmSync(folder, { recursive: true }));

const event = writeNmnist({
  x: Uint16Array.of(33, 0),
  y: Uint16Array.of(0, 33),
  t: Uint32Array.of(1, 2),
  p: Uint8Array.of(1, 0),
});

const publish = (name: string, splits: Readonly<Record<string, number>>): string => {
  for (const [split, perDigit] of Object.entries(splits)) {
    for (let digit = 0; digit < 10; digit++) {
      const place = join(folder, name, split, String(digit));
      mkdirSync(place, { recursive: true });
      // 00010.bin sorts after 00002.bin.
      for (let i = 0; i < perDigit; i++)
        writeFileSync(join(place, `${String(i + 2).padStart(5, '0')}.bin`), event);
    }
  }
  return join(folder, name);
};
const published = publish('published', { Train: 20, Test: 3 });
const ours = publish('ours', { Train: 4, Val: 2, Test: 1 });

const files = (data_prefix: string, more: Partial<NmnistArgs> = {}): (string | undefined)[] =>
  new NMNIST({ data_prefix, ...more }).data_infos.map(({ file }) => file);

describe('NMNIST', () => {
  it('lists the published layout, digit by digit', () => {
    const set = new NMNIST({ data_prefix: join(published, 'Test') });
    expect(set.length).toBe(30);
    expect(set.info(3)).toEqual({
      file: join(published, 'Test', '1', '00002.bin'),
      gt_label: 1,
      sensor: [34, 34],
    });
    expect(Array.from(set.labels())).toEqual(Array.from({ length: 30 }, (_, i) => Math.floor(i / 3)));
  });

  it('takes the folders as they are when there is a Val', () => {
    expect(files(join(ours, 'Train'))).toHaveLength(40);
    expect(files(join(ours, 'Val'))).toHaveLength(20);
    expect(files(join(ours, 'Test'))).toHaveLength(10);
  });

  it('draws a validation split out of Train when there is none', () => {
    const train = files(join(published, 'Train'));
    const val = files(join(published, 'Val'));
    expect(train).toHaveLength(180);
    expect(val).toHaveLength(20);
    expect(new Set([...train, ...val]).size).toBe(200);
    expect(Array.from(new NMNIST({ data_prefix: join(published, 'Val') }).labels())).toEqual(
      Array.from({ length: 20 }, (_, i) => Math.floor(i / 2)),
    );
    expect(files(join(published, 'Val'))).toEqual(val);
    expect(files(join(published, 'Val'), { split_seed: 1 })).not.toEqual(val);
  });

  it('can be told what to take', () => {
    const prefix = join(published, 'Train');
    expect(files(prefix, { split: 'all' })).toHaveLength(200);
    expect(files(prefix, { split: 'val', val_ratio: 0.5 })).toHaveLength(100);
    expect(files(prefix, { split: 'train', val_ratio: 0.5 })).toHaveLength(100);
    expect(files(prefix, { split: 'all', indices: [199, 0] })).toEqual([
      join(prefix, '9', '00021.bin'),
      join(prefix, '0', '00002.bin'),
    ]);
    expect(() => files(prefix, { indices: [180] })).toThrow('indices names sample 180');
  });

  it('goes through LoadEvents and EventsToFrames without being told the size', () => {
    const set = buildDataset({
      type: 'NMNIST',
      data_prefix: join(ours, 'Test'),
      pipeline: [
        { type: 'LoadEvents' },
        { type: 'EventsToFrames', T: 2 },
        { type: 'CenterCropVideo', crop_size: 32 },
      ],
    });
    const img = set.get(0, rngFor(0)).img as NdArray;
    expect(img.shape).toEqual([2, 32, 32, 2]);
  });

  it('says how to get data that are not there', () => {
    const message = (prefix: string): string => {
      try {
        files(prefix);
      } catch (error) {
        expect((error as Error).name).toBe('DatasetError');
        return (error as Error).message;
      }
      throw new Error('nothing was thrown');
    };
    const absent = message(join(folder, 'nothing', 'Train'));
    expect(absent).toContain(`there is no folder ${join(folder, 'nothing', 'Train')}`);
    expect(absent).toContain('bidl datasets make event-digits');
    expect(absent).toContain('garrickorchard.com');
    expect(message(folder)).toContain('holds no recordings');
    // A root without Train: Val can't be drawn from anything.
    expect(message(join(folder, 'nothing', 'Val'))).toContain('there is no folder');
  });

  it.each([0, 1])('names a truncated recording through a loader with %i workers', async (workers) => {
    const root = publish(`cut${workers}`, { Test: 1 });
    const cut = join(root, 'Test', '7', '00002.bin');
    writeFileSync(cut, event.subarray(0, 7));
    const pipeline = [{ type: 'LoadEvents' }, { type: 'EventsToFrames', T: 2 }];
    const dataset = { type: 'NMNIST', data_prefix: join(root, 'Test'), pipeline };
    const loader = await createLoader({ dataset, batchSize: 5, workers });
    const read = async (): Promise<void> => {
      for await (const batch of loader.epoch(0)) batch.release();
    };
    const error = await read().catch((caught: unknown) => caught);
    await loader.close();
    expect(error).toBeInstanceOf(FormatError);
    expect(error).toMatchObject({ index: 7, file: cut });
    expect((error as Error).message).toMatch(/^sample 7: .*00002\.bin: .*truncated/);
  });

  it('checks its own arguments', () => {
    const config = { type: 'NMNIST', data_prefix: 'x', split: 'valid' };
    expect(() => buildDataset(config, 'data.val')).toThrow(/data\.val\.split/);
  });
});
