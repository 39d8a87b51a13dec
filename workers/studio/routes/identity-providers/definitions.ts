import { z } from "@hono/zod-openapi";
import { defineRoute } from "../../http/define-route.ts";
import { nothing } from "../../http/schemas.ts";
import type { MemberContext } from "../../pipeline/request-context.ts";
import { change, create, list, type Manager, remove, retire, rotate, show } from "./manage.ts";
import { newProvider, newSecret, provider, providerChange, providerParams, secret, secretParams } from "./schemas.ts";

const by = ({ scope, person }: MemberContext): Manager => ({ owner: scope, user: person.user });

export const listIdentityProviders = defineRoute(
  "listIdentityProviders",
  { caller: "member", status: 200, answer: z.object({ items: z.array(provider) }) },
  (context) => list(context, by(context)),
);
export const createIdentityProvider = defineRoute(
  "createIdentityProvider",
  { caller: "member", body: newProvider, status: 201, answer: provider },
  (context, { body }) => create(context, by(context), body),
);
export const getIdentityProvider = defineRoute(
  "getIdentityProvider",
  { caller: "member", params: providerParams, status: 200, answer: provider },
  (context, { params }) => show(context, by(context), params.provider),
);
export const changeIdentityProvider = defineRoute(
  "changeIdentityProvider",
  { caller: "member", params: providerParams, body: providerChange, status: 200, answer: provider },
  (context, { params, body }) => change(context, by(context), params.provider, body),
);
export const removeIdentityProvider = defineRoute(
  "removeIdentityProvider",
  { caller: "member", params: providerParams, status: 204, answer: nothing },
  (context, { params }) => remove(context, by(context), params.provider),
);
export const addProviderSecret = defineRoute(
  "addProviderSecret",
  { caller: "member", params: providerParams, body: newSecret, status: 201, answer: secret },
  (context, { params, body }) => rotate(context, by(context), params.provider, body),
);
export const retireProviderSecret = defineRoute(
  "retireProviderSecret",
  { caller: "member", params: secretParams, status: 204, answer: nothing },
  (context, { params }) => retire(context, by(context), params),
);
