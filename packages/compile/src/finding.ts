/** A place where a network breaks a rule of compiling: which layer, which rule, what to do. */
export interface Finding {
  /** The layer (or state, input, ...) that it is about. */
  readonly layer: string;
  /** The rule's name: `supported-layer`, `state-size`, ... */
  readonly rule: string;
  /** What is wrong. */
  readonly what: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** One line for a finding. */
export const describeFinding = ({ layer, rule, what, remedy }: Finding): string =>
  `layer "${layer}" ${what} (rule ${rule}); ${remedy}`;

/** A network can't be compiled as it is. `findings` has every reason that was found. */
export class CompileError extends Error {
  override readonly name = 'CompileError';
  constructor(
    readonly network: string,
    readonly findings: readonly Finding[],
  ) {
    super(
      findings.length === 1
        ? `${network}: ${describeFinding(findings[0])}`
        : `${network}: ${findings.length} findings\n  ${findings.map(describeFinding).join('\n  ')}`,
    );
  }
}

/** Thrown inside while one layer is looked at; becomes a {@link Finding} of that layer. */
export class Unsupported extends Error {
  override readonly name = 'Unsupported';
  constructor(
    readonly rule: string,
    readonly what: string,
    readonly remedy: string,
  ) {
    super(`${what}; ${remedy}`);
  }
}
