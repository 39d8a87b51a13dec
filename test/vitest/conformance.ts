import { defineProject } from "vitest/config";
import { patience, wholeStacks } from "./support/machine.ts";

/**
 * MQTT 3.1, 3.1.1 and 5.0 against the whole stack, over a device's credentials and WebSocket.
 * `CONFORMANCE_TARGET=mosquitto` runs the same suites against the machine's mosquitto.
 */
export default defineProject({
  test: {
    name: "conformance",
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/conformance/**/*.test.ts"],
    globalSetup: ["test/conformance/support/global-setup.ts"],
    // Delays of seconds run beside each other; a device may have 32 sessions.
    sequence: { concurrent: true },
    maxConcurrency: 16,
    // Of one round with e2e and the agent; the slow files wait more than they work.
    maxWorkers: wholeStacks,
    ...patience,
  },
});
