/** `npm run build`: the dashboard and the agent's single file. */
import { buildAgent } from "../agent/build.ts";
import { buildDashboard } from "./stack/dashboard.ts";

await buildDashboard();
console.log(await buildAgent());
