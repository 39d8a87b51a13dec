/** `npm run check`: format and lint, types, import fences. Prints what failed and ends with 1. */
import { runChecks } from "./test/checks.ts";

const outcomes = await runChecks();
process.exitCode = outcomes.every((outcome) => outcome.passed) ? 0 : 1;
