/** `npm start`: the whole system on this machine. */
import { helpText, parseOptions } from "./options.ts";
import { createProgress } from "./progress.ts";
import { type RunningStack, startStack } from "./stack.ts";
import { StackError } from "./stack-error.ts";

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === "help") {
    process.stdout.write(helpText);
  } else {
    const progress = createProgress(options.quiet);
    const startedAtMs = performance.now();
    const starting = startStack(options, progress);
    stopOnSignals(starting, progress.note);
    const { description } = await starting;
    greet(description, (performance.now() - startedAtMs) / 1000, progress.note);
    process.stdout.write(`ready ${description.url}\n`);
  }
} catch (error) {
  if (error instanceof StackError) {
    process.stderr.write(`\n${error.code}: ${error.message}\n${error.advice}\n`);
    process.exit(error.code === "bad_flag" ? 2 : 1);
  }
  process.stderr.write(`\n${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}

/** The first signal stops in order; a second one during that is left to the first. */
function stopOnSignals(starting: Promise<RunningStack>, note: (text: string) => void): void {
  let asked = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, async () => {
      if (asked) return;
      asked = true;
      note("\nstopping …");
      const stack = await starting.catch(() => null);
      await stack?.stop();
      note("stopped; the state is kept");
      process.exit(0);
    });
  }
}

function greet(description: RunningStack["description"], seconds: number, note: (text: string) => void): void {
  note(`\nSentinel is up after ${seconds.toFixed(1)} s.`);
  note(`  dashboard  ${description.url}${description.org === null ? "" : `/o/${description.org.slug}`}`);
  if (description.owner !== null)
    note(`  sign in    ${description.owner.email}\n  password   ${description.owner.password}`);
  note("  stop       Ctrl-C\n");
}
