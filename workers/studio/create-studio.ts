import { createApp } from "./app.ts";
import { openApiDocument } from "./openapi/document.ts";
import { allDefinitions } from "./routes/definitions.ts";
import type { Services } from "./services.ts";

export interface Studio {
  readonly services: Services;
  fetch(request: Request): Promise<Response>;
}

/** The whole of studio on the given services. @throws when the routes do not fit the route table */
export function createStudio(services: Services): Studio {
  const app = createApp(
    services,
    allDefinitions(() => openApiDocument(app, services.publicUrl)),
  );
  return { services, fetch: async (request) => app.fetch(request) };
}
