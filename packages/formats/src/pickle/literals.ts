/** Python's limit for decimal digits; longer numbers take quadratic time to read. */
const MAX_DIGITS = 4300;
/** Bytes of a binary whole number; data files have no use for more. */
export const MAX_INT_BYTES = 1024;

/** A number when it is exact as one, else a bigint. */
export function exact(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

/** A decimal whole number (Python 2 put an L behind long ones), or undefined. */
export function parseInteger(text: string): number | bigint | undefined {
  const digits = text.endsWith('L') ? text.slice(0, -1) : text;
  if (digits.length > MAX_DIGITS || !/^[+-]?\d+$/.test(digits)) return undefined;
  return exact(BigInt(digits.startsWith('+') ? digits.slice(1) : digits));
}

/** A number as Python's repr writes it, or undefined. */
export function parseFloat64(text: string): number | undefined {
  const special = /^([+-]?)(inf|nan)$/i.exec(text);
  if (special) return special[2]?.toLowerCase() === 'nan' ? NaN : special[1] === '-' ? -Infinity : Infinity;
  return text.length <= MAX_DIGITS && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)
    ? Number(text)
    : undefined;
}

/** Little-endian two's complement. */
export function twosComplement(bytes: Uint8Array): number | bigint {
  if (bytes.length === 0) return 0;
  let hex = '0x';
  for (let i = bytes.length - 1; i >= 0; i--) hex += (bytes[i] ?? 0).toString(16).padStart(2, '0');
  return exact(BigInt.asIntN(bytes.length * 8, BigInt(hex)));
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** The content of a quoted Python 2 string, one character a byte; undefined when it is none. */
export function parseQuoted(text: string): string | undefined {
  const quote = text.charAt(0);
  if (text.length < 2 || (quote !== "'" && quote !== '"') || !text.endsWith(quote)) return undefined;
  return text.slice(1, -1).replace(/\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|[^])/g, (whole, code: string) => {
    if (code.length === 3 && code.startsWith('x')) return String.fromCharCode(parseInt(code.slice(1), 16));
    if (/^[0-7]/.test(code)) return String.fromCharCode(parseInt(code, 8) & 0xff);
    return ESCAPES[code] ?? whole;
  });
}

/** Python's raw-unicode-escape: only \uXXXX and \UXXXXXXXX mean something. Undefined beyond the last code point. */
export function parseRawUnicode(text: string): string | undefined {
  let valid = true;
  const decoded = text.replace(
    /\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/g,
    (_, short?: string, long?: string) => {
      const code = parseInt(short ?? long ?? '', 16);
      if (code > 0x10ffff) valid = false;
      return valid ? String.fromCodePoint(code) : '';
    },
  );
  return valid ? decoded : undefined;
}
