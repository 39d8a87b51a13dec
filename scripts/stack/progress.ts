/** Prints one line a step to stderr, with its time; `--quiet` prints none. */
export interface Progress {
  step<T>(name: string, work: () => Promise<T> | T): Promise<T>;
  note(text: string): void;
}

export function createProgress(quiet: boolean): Progress {
  const print = (text: string): void => {
    if (!quiet) process.stderr.write(`${text}\n`);
  };
  return {
    async step(name, work) {
      const startedAtMs = performance.now();
      print(`  … ${name}`);
      const result = await work();
      print(`  ✓ ${name} (${((performance.now() - startedAtMs) / 1000).toFixed(1)} s)`);
      return result;
    },
    note: print,
  };
}
