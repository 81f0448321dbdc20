#!/usr/bin/env node
import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
if (!existsSync(main)) {
  console.error('bidl: this checkout has not been built. Run: npm run setup');
  process.exit(1);
}
await import(main.href);
