import type { DevicesRpc } from "../../../core/rpc/capabilities.ts";
import { readUsage } from "../../../store/tenant/usage.ts";
import type { Handler } from "./handler.ts";
import { ok } from "./result.ts";

export const usage: Handler<DevicesRpc["usage"]> = async (context) => ok(await readUsage(context.database));
