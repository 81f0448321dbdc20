/** A step of the set-up that failed; the message says why, `remedy` what to do. */
export class StepError extends Error {
  constructor(message, remedy) {
    super(message);
    this.name = 'StepError';
    this.remedy = remedy;
  }
}

/** Runs steps one after the other, says each, and how long it took. Quiet about steps that had nothing to do. */
export class Steps {
  #begin = performance.now();
  #did = 0;

  /** `work` returns whether there was something to do. `announce` is called by it before it begins. */
  async run(name, work) {
    const begin = performance.now();
    const announce = (what) => print(`- ${name}: ${what} ...`);
    try {
      const did = await work(announce);
      if (!did) return;
      this.#did++;
      print(`  ${name}: done in ${seconds(begin)}`);
    } catch (error) {
      fail(name, error);
    }
  }

  finish() {
    print(
      this.#did === 0
        ? `Set-up: nothing to do (${seconds(this.#begin)})`
        : `Set-up: done in ${seconds(this.#begin)}`,
    );
  }
}

/** One line on stderr: stdout belongs to the job that follows. */
export function print(line) {
  process.stderr.write(`${line}\n`);
}

export function seconds(begin) {
  return `${((performance.now() - begin) / 1000).toFixed(1)} s`;
}

/** Says which step failed, why and what to do, and ends the process. */
function fail(name, error) {
  const known = error instanceof StepError || error?.name === 'EngineInstallError';
  print('');
  print(`Set-up failed at the step "${name}".`);
  print(known ? error.message : (error?.stack ?? String(error)));
  if (error instanceof StepError) print(`What to do: ${error.remedy}`);
  process.exit(1);
}
