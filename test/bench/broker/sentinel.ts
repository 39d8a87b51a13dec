import {
  type Api,
  type EnrolledDevice,
  mailedToken,
  makeEnrollmentCode,
  newPerson,
  redeem,
  signIn,
  testPassword,
} from "../../e2e/support/api.ts";
import {
  freshStateDir,
  removeStateDir,
  type StackProcess,
  startStackProcess,
} from "../../e2e/support/stack-process.ts";
import { audienceCount, type Device, devicesCount, type Target } from "./target.ts";

/** Connections of one member of the audience: under what one principal may keep. */
const connectionsOfMember = 25;

export interface RunningSentinel {
  readonly target: Target;
  stop(): Promise<void>;
}

/**
 * The whole system, with devices and people who came in through the API as any do.
 * @param flags further flags of `npm start`
 */
export async function startSentinel(flags: readonly string[]): Promise<RunningSentinel> {
  const dir = freshStateDir();
  // Request limits are somebody else's subject here.
  const quietly = ["--port", "0", "--quiet", "--no-agent", "--limit-scale", "100000"];
  let stack: StackProcess | null = null;
  const stop = async (): Promise<void> => {
    await stack?.stop();
    removeStateDir(dir);
  };
  try {
    stack = await startStackProcess(dir, [...quietly, ...flags]);
    return { target: await targetOf(stack), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function targetOf({ description }: StackProcess): Promise<Target> {
  const { url, owner, org, mailDir } = description;
  const { api, userId } = await signIn(url, owner.email, owner.password);
  const code = await makeEnrollmentCode(api, devicesCount);
  const devices: Device[] = [];
  for (let index = 0; index < devicesCount; index += 1)
    devices.push(deviceOf(await redeem(url, code, `bench ${index}`)));
  const pid = description.pids["workerd"];
  if (pid === undefined) throw new Error("the stack names no process of workerd");
  const { port, host } = new URL(url);
  return {
    name: "Sentinel",
    port: Number(port),
    host,
    path: `/mqtt/${org.id}`,
    pid,
    devices,
    reader: { username: userId, password: api.token },
    everything: `sentinel/${org.id}/devices/#`,
    audience: await audienceOf(url, api, mailDir),
  };
}

const deviceOf = (device: EnrolledDevice): Device => ({
  username: device.device_id,
  password: device.token,
  topicPrefix: device.topic_prefix,
});

/** Members who may read every device, each under several connections. */
async function audienceOf(url: string, owner: Api, mailDir: string): Promise<Target["audience"]> {
  const logins: { username: string; password: string | null }[] = [];
  while (logins.length < audienceCount) {
    const { api: outside, userId, email } = await newPerson(url, mailDir, "audience");
    await expectOk(owner, "/api/v1/orgs/demo/invitations", { email, role: "readonly" });
    await expectOk(outside, "/api/v1/invitations/accept", { token: mailedToken(mailDir, email, "invitation") });
    const { api } = await signIn(url, email, testPassword, "/api/v1/orgs/demo");
    const login = { username: userId, password: api.token };
    for (let own = 0; own < connectionsOfMember && logins.length < audienceCount; own += 1) logins.push(login);
  }
  return logins;
}

async function expectOk(api: Api, path: string, body: unknown): Promise<void> {
  const answer = await api.send("POST", path, body);
  if (answer.status >= 300) throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
}
