import type { WafRule } from "../rule.ts";
import { codeInjectionRules } from "./code-injection.ts";
import { commandInjectionRules } from "./command-injection.ts";
import { crossSiteScriptingRules } from "./cross-site-scripting.ts";
import { directoryInjectionRules } from "./directory-injection.ts";
import { nosqlInjectionRules } from "./nosql-injection.ts";
import { pathTraversalRules } from "./path-traversal.ts";
import { protocolRules } from "./protocol.ts";
import { requestForgeryRules } from "./request-forgery.ts";
import { restrictedPathRules } from "./restricted-path.ts";
import { scannerRules } from "./scanner.ts";
import { sqlInjectionRules } from "./sql-injection.ts";
import { templateInjectionRules } from "./template-injection.ts";
import { uploadRules } from "./upload.ts";

/** Every rule. A new one is data with examples; the tests take it from here. */
export const rules: readonly WafRule[] = [
  ...sqlInjectionRules,
  ...nosqlInjectionRules,
  ...crossSiteScriptingRules,
  ...pathTraversalRules,
  ...commandInjectionRules,
  ...codeInjectionRules,
  ...templateInjectionRules,
  ...directoryInjectionRules,
  ...requestForgeryRules,
  ...uploadRules,
  ...protocolRules,
  ...scannerRules,
  ...restrictedPathRules,
];
