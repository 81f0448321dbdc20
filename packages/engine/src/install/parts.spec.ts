import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheRoot, folderSize, requireSpace } from './cache.js';
import { wheelPlatforms } from './device.js';
import { EngineInstallError } from './errors.js';
import { withLock } from './lock.js';

const root = mkdtempSync(join(tmpdir(), 'bidl-parts-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('the cache folder', () => {
  it('is BIDL_CACHE, else in the XDG cache, else in ~/.cache', () => {
    expect(cacheRoot({ BIDL_CACHE: '/big/disk', XDG_CACHE_HOME: '/xdg' })).toBe('/big/disk');
    expect(cacheRoot({ XDG_CACHE_HOME: '/xdg' })).toBe('/xdg/bidl');
    expect(cacheRoot({ XDG_CACHE_HOME: 'not/absolute' })).toMatch(/\.cache\/bidl$/);
    expect(cacheRoot({ BIDL_CACHE: '' })).toMatch(/\.cache\/bidl$/);
  });

  it('needs room: a full disk is told before the download', () => {
    const check = () => requireSpace(join(root, 'space'), 1.3e9, () => 0.4e9);
    expect(check).toThrow(EngineInstallError);
    expect(check).toThrow(/has 0\.4 GB free, 1\.3 GB are needed[^]*BIDL_CACHE/);
    expect(() => requireSpace(join(root, 'space'), 1)).not.toThrow();
  });

  it('has to be writable', () => {
    writeFileSync(join(root, 'file'), '12345');
    expect(() => requireSpace(join(root, 'file', 'below'), 1)).toThrow(/cannot be made[^]*set BIDL_CACHE/);
  });

  it('has a size', () => {
    expect(folderSize(join(root, 'none'))).toBe(0);
    expect(folderSize(root)).toBeGreaterThanOrEqual(5);
  });
});

describe('wheelPlatforms', () => {
  it('knows Linux on x64 and arm64, and says what to do elsewhere', () => {
    expect(wheelPlatforms('linux', 'x64')[0]).toBe('manylinux_2_27_x86_64');
    expect(wheelPlatforms('linux', 'arm64')).toContain('manylinux_2_17_aarch64');
    expect(() => wheelPlatforms('darwin', 'arm64')).toThrow(/this is darwin on arm64[^]*WebAssembly/);
  });
});

describe('withLock', () => {
  const folder = join(root, 'locks');
  const lock = join(folder, 'install.lock');
  const hold = (log: string[], work = async () => 'done') =>
    withLock(folder, 'install', (line) => log.push(line), work, 5);

  it('lets one work at a time', async () => {
    const order: string[] = [];
    const work = (name: string) => async () => {
      order.push(`${name} begins`);
      await new Promise((wake) => setTimeout(wake, 30));
      order.push(`${name} ends`);
      return name;
    };
    await Promise.all([hold([], work('a')), hold([], work('b'))]);
    expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  });

  it('is given back when the work fails', async () => {
    await expect(hold([], () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    await expect(hold([])).resolves.toBe('done');
  });

  it('is taken over from a dead process', async () => {
    writeFileSync(lock, JSON.stringify({ pid: 2 ** 22 + 1, host: hostname() }));
    await expect(hold([])).resolves.toBe('done');
  });

  it('waits for a live one and says so, until its heartbeat stops', async () => {
    writeFileSync(lock, JSON.stringify({ pid: process.ppid, host: hostname() }));
    setTimeout(() => utimesSync(lock, new Date(0), new Date(0)), 50);
    const log: string[] = [];
    await expect(hold(log)).resolves.toBe('done');
    expect(log).toEqual([expect.stringContaining(`process ${process.ppid}`)]);
  });
});
