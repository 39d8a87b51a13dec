import { z } from "@hono/zod-openapi";
import { defineRoute } from "../../http/define-route.ts";
import { nothing } from "../../http/schemas.ts";
import type { OperatorContext } from "../../pipeline/request-context.ts";
import { change, create, list, type Manager, remove, retire, rotate, show } from "../identity-providers/manage.ts";
import {
  newProvider,
  newSecret,
  provider,
  providerChange,
  providerParams,
  secret,
  secretParams,
} from "../identity-providers/schemas.ts";

/** The providers of everybody, at every door; what each verb does is in ../identity-providers/manage.ts. */
const by = ({ platform }: OperatorContext): Manager => ({ owner: platform, user: null });

export const listPlatformProviders = defineRoute(
  "listPlatformProviders",
  { caller: "operator", status: 200, answer: z.object({ items: z.array(provider) }) },
  (context) => list(context, by(context)),
);
export const createPlatformProvider = defineRoute(
  "createPlatformProvider",
  { caller: "operator", body: newProvider, status: 201, answer: provider },
  (context, { body }) => create(context, by(context), body),
);
export const getPlatformProvider = defineRoute(
  "getPlatformProvider",
  { caller: "operator", params: providerParams, status: 200, answer: provider },
  (context, { params }) => show(context, by(context), params.provider),
);
export const changePlatformProvider = defineRoute(
  "changePlatformProvider",
  { caller: "operator", params: providerParams, body: providerChange, status: 200, answer: provider },
  (context, { params, body }) => change(context, by(context), params.provider, body),
);
export const removePlatformProvider = defineRoute(
  "removePlatformProvider",
  { caller: "operator", params: providerParams, status: 204, answer: nothing },
  (context, { params }) => remove(context, by(context), params.provider),
);
export const addPlatformProviderSecret = defineRoute(
  "addPlatformProviderSecret",
  { caller: "operator", params: providerParams, body: newSecret, status: 201, answer: secret },
  (context, { params, body }) => rotate(context, by(context), params.provider, body),
);
export const retirePlatformProviderSecret = defineRoute(
  "retirePlatformProviderSecret",
  { caller: "operator", params: secretParams, status: 204, answer: nothing },
  (context, { params }) => retire(context, by(context), params),
);
