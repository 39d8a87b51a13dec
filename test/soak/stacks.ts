import { findPort } from "../../scripts/stack/ports.ts";
import { type Api, type EnrolledDevice, makeEnrollmentCode, redeem, signIn } from "../e2e/support/api.ts";
import { freshStateDir, removeStateDir, type StackProcess, startStackProcess } from "../e2e/support/stack-process.ts";
import { between } from "./part.ts";

const running = new Set<StackProcess>();

/**
 * Runs `work` against a stack of its own that is stopped and forgotten afterwards, whatever happens.
 * @param flags further flags of `npm start`
 */
export async function withStack<T>(
  work: (stack: StackProcess) => Promise<T>,
  flags: readonly string[] = [],
): Promise<T> {
  const dir = freshStateDir();
  try {
    const stack = await startStackProcess(dir, [
      "--port",
      String(await steadyPort()),
      "--quiet",
      "--no-agent",
      // Limits are somebody else's subject here.
      "--limit-scale",
      "100000",
      ...flags,
    ]);
    running.add(stack);
    try {
      return await work(stack);
    } finally {
      await stack.stop();
      running.delete(stack);
    }
  } finally {
    removeStateDir(dir);
  }
}

/**
 * A free port below those that the system gives to outgoing connections. While workerd is down, thousands
 * of tries to reach a port among those would sooner or later get that very port as their own, connect to
 * themselves, and keep workerd from it.
 */
async function steadyPort(): Promise<number> {
  for (;;) {
    const port = await findPort(between(Math.random, 20_000, 29_999)).catch(() => null);
    if (port !== null) return port;
  }
}

/** For an end that does not wait for the parts. */
export async function stopRunningStacks(): Promise<void> {
  for (const stack of running) {
    await stack.stop();
    removeStateDir(stack.stateDir);
  }
}

/** Enrols devices into the demo organisation through the API. */
export async function enrolDevices(stack: StackProcess, count: number): Promise<EnrolledDevice[]> {
  const { api } = await signInAsOwner(stack);
  const code = await makeEnrollmentCode(api, count);
  const devices: EnrolledDevice[] = [];
  for (let index = 0; index < count; index += 1) devices.push(await redeem(api.base, code, `soak ${index}`));
  return devices;
}

export function signInAsOwner(stack: StackProcess): Promise<{ api: Api; userId: string }> {
  const { owner, url } = stack.description;
  return signIn(url, owner.email, owner.password);
}
