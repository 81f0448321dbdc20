/**
 * The first key that an object of a JSON text holds twice, or undefined. `JSON.parse` keeps the last one silently, so
 * two readers of one file could see different tensors.
 *
 * @param json a text that `JSON.parse` accepts
 */
export function duplicateKey(json: string): string | undefined {
  const keysOfOpen: (Set<string> | undefined)[] = []; // undefined for an array
  let expectKey = false;
  for (let at = 0; at < json.length; at++) {
    const c = json.charAt(at);
    if (c === '{') {
      keysOfOpen.push(new Set());
      expectKey = true;
    } else if (c === '[') {
      keysOfOpen.push(undefined);
      expectKey = false;
    } else if (c === '}' || c === ']') {
      keysOfOpen.pop();
      expectKey = false;
    } else if (c === ',') {
      expectKey = keysOfOpen.at(-1) !== undefined;
    } else if (c === '"') {
      const start = at++;
      while (at < json.length && json.charAt(at) !== '"') at += json.charAt(at) === '\\' ? 2 : 1;
      if (!expectKey) continue;
      expectKey = false;
      // Two spellings of one key ("a" and "\u0061") are the same key.
      const key = JSON.parse(json.slice(start, at + 1)) as string;
      const keys = keysOfOpen.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return undefined;
}
