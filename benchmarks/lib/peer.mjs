// A peer: a Python process that lives as long as the benchmark and computes when it is told to (peers/serve.py).
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SERVE = fileURLToPath(new URL('../peers/serve.py', import.meta.url));

export class Peer {
  #child;
  #lines;
  #stderr = '';

  /** @param name e.g. `upstream-eager` @param python of the peers' environment */
  constructor(name, python, { threads = availableParallelism(), cache } = {}) {
    this.name = name;
    const env = {
      ...process.env,
      OMP_NUM_THREADS: String(threads),
      TORCHINDUCTOR_CACHE_DIR: cache,
      JAX_PLATFORMS: 'cpu',
      PYTHONWARNINGS: 'ignore',
    };
    this.#child = spawn(python, [SERVE, name], { env, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#stderr = (this.#stderr + text).slice(-10_000);
    });
    this.#child.stdin.on('error', () => undefined); // told by the missing answer
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  get pid() {
    return this.#child.pid;
  }

  /** @throws what the peer's Python says when it fails or dies */
  async ask(request) {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`${this.name} died at ${JSON.stringify(request)}:\n${this.#stderr}`);
    const answer = JSON.parse(value);
    if (answer.error) throw new Error(`${this.name}, ${JSON.stringify(request)}:\n${answer.error}`);
    return answer;
  }

  /** A form for the measurement: the peer takes its own time, so the way there and back does not count. */
  form(task) {
    return {
      form: this.name,
      timed: async (repeat) => (await this.ask({ do: 'run', task, repeat })).ms,
    };
  }

  close() {
    this.#child.stdin.end();
    this.#child.kill();
  }
}
