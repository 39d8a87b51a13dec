/** The import fences of ARCHITECTURE.md: data goes one way. */
const only = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: "error",
  from: { path: from },
  to: {
    pathNot: [...allowed, "^node_modules/", "^node:", "^cloudflare:"],
    dependencyTypesNot: ["core", "npm", "npm-dev", "npm-optional"],
  },
});

export default {
  forbidden: [
    only("core-imports-nothing-of-ours", "^core/", ["^core/"], "core is pure domain code"),
    only("store-imports-core", "^store/", ["^(store|core)/"], "store sits on core"),
    only(
      "edge-imports-core",
      "^workers/edge/",
      ["^(workers/edge|core)/"],
      "the edge holds nothing and knows no database",
    ),
    only(
      "studio-imports-store-core",
      "^workers/studio/",
      ["^(workers/studio|store|core)/"],
      "units meet over bindings only",
    ),
    only(
      "capabilities-imports-store-core",
      "^workers/capabilities/",
      ["^(workers/capabilities|store|core)/"],
      "units meet over bindings only",
    ),
    only("data-imports-store-core", "^workers/data/", ["^(workers/data|store|core)/"], "units meet over bindings only"),
    only(
      "passwords-imports-core",
      "^workers/passwords/",
      ["^(workers/passwords|core)/"],
      "it hashes, and knows no database",
    ),
    only(
      "pdf-text-imports-core",
      "^workers/pdf-text/",
      ["^(workers/pdf-text|core)/"],
      "it reads strangers' files, and knows nothing",
    ),
    only("objects-import-core", "^durable-objects/", ["^(durable-objects|core)/"], "objects have no database"),
    only(
      "dashboard-imports-core",
      "^workers/dashboard/",
      ["^(workers/dashboard|core)/"],
      "the dashboard speaks the public API and MQTT",
    ),
    only("agent-imports-core", "^agent/", ["^(agent|core)/"], "the agent speaks the public API and MQTT"),
    {
      name: "broker-is-pure",
      comment: "the broker is a state machine: no platform, no object, no clock",
      severity: "error",
      from: { path: "^durable-objects/tenant-hub/broker/" },
      to: { pathNot: ["^durable-objects/tenant-hub/broker/", "^core/"] },
    },
    {
      name: "one-importer-of-the-driver",
      comment: "only store/ speaks to Postgres from a Worker",
      severity: "error",
      from: { path: "^(core|workers|durable-objects|agent)/" },
      to: { path: "node_modules/@neondatabase/" },
    },
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
  ],
  options: {
    tsConfig: { fileName: "tsconfig.base.json" },
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(dist|node_modules)/" },
    enhancedResolveOptions: {
      extensions: [".ts", ".tsx", ".mjs", ".js"],
      exportsFields: ["exports"],
      conditionNames: ["import", "types"],
    },
  },
};
