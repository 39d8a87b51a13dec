import { type Api, Api as ApiClass, signIn } from "../e2e/support/api.ts";
import { freshStateDir, removeStateDir, type StackProcess, startStackProcess } from "../e2e/support/stack-process.ts";

const running = new Set<StackProcess>();

/** Runs `work` against a stack of its own that is stopped and forgotten afterwards, whatever happens. */
export async function withStack<T>(work: (stack: StackProcess) => Promise<T>): Promise<T> {
  const dir = freshStateDir();
  try {
    const stack = await startStackProcess(dir, [
      "--port",
      "0",
      "--quiet",
      "--no-agent",
      // Limits are somebody else's subject here.
      "--limit-scale",
      "100000",
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

/** For an end that does not wait for the parts. */
export async function stopRunningStacks(): Promise<void> {
  for (const stack of running) {
    await stack.stop();
    removeStateDir(stack.stateDir);
  }
}

export interface EnrolledDevice {
  readonly device_id: string;
  readonly token: string;
  readonly mqtt_url: string;
  readonly topic_prefix: string;
}

/** Enrols devices into the demo organisation through the API. */
export async function enrolDevices(stack: StackProcess, count: number): Promise<EnrolledDevice[]> {
  const { api } = await signInAsOwner(stack);
  const { body: code } = await api.send<{ code: string }>("POST", "/api/v1/orgs/demo/enrollment-codes", {
    name: "soak",
    max_uses: count,
    expires_in_seconds: 3600,
  });
  const guest = new ApiClass(stack.description.url);
  const devices: EnrolledDevice[] = [];
  for (let index = 0; index < count; index += 1) {
    const { status, body } = await guest.send<EnrolledDevice>("POST", "/api/v1/enroll", {
      code: code.code,
      name: `soak ${index}`,
      platform: "soak",
    });
    if (status !== 201) throw new Error(`enrolment ${index} answered ${status}: ${JSON.stringify(body)}`);
    devices.push(body);
  }
  return devices;
}

export function signInAsOwner(stack: StackProcess): Promise<{ api: Api; userId: string }> {
  const { owner, url } = stack.description;
  return signIn(url, owner.email, owner.password);
}
