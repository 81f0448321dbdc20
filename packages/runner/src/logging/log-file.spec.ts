import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRunLog } from './log-file.js';

const clock = () => new Date(2024, 4, 3, 7, 8, 9, 45);

it("is named by its time, and writes lines as Python's logging does", () => {
  const dir = mkdtempSync(join(tmpdir(), 'bidl-log-'));
  const seen: string[] = [];
  const log = openRunLog(dir, { clock, onLine: (line) => seen.push(line) });
  log.write('Epoch [1/2][3/4]\tlr: 0.1');
  log.write('careful', 'WARNING');
  const lines = [
    '2024-05-03 07:08:09,045 - cls - INFO - Epoch [1/2][3/4]\tlr: 0.1',
    '2024-05-03 07:08:09,045 - cls - WARNING - careful',
  ];
  expect(log.path).toBe(join(dir, '20240503_070809.log'));
  expect(readFileSync(log.path, 'utf8')).toBe(`${lines.join('\n')}\n`);
  expect(seen).toEqual(lines);
  rmSync(dir, { recursive: true });
});

it('does not stop a run that can not write its log, and says so once', () => {
  const seen: string[] = [];
  const log = openRunLog(join(tmpdir(), 'bidl-no-such-folder'), { clock, onLine: (line) => seen.push(line) });
  log.write('one');
  log.write('two');
  expect(seen).toHaveLength(3);
  expect(seen[1]).toMatch(/WARNING - the log .* can't be written .*ENOENT.*goes on without it/);
});

it('drops what is below its level, and keeps notes to itself', () => {
  const dir = mkdtempSync(join(tmpdir(), 'bidl-log-'));
  const seen: string[] = [];
  const log = openRunLog(dir, { clock, level: 'WARNING', onLine: (line) => seen.push(line) });
  log.write('chatter');
  log.write('careful', 'WARNING');
  log.note('broken', 'ERROR');
  expect(seen).toEqual(['2024-05-03 07:08:09,045 - cls - WARNING - careful']);
  expect(readFileSync(log.path, 'utf8')).toMatch(/careful\n.* - ERROR - broken\n$/);
  rmSync(dir, { recursive: true });
});
