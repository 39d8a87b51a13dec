/** Every flag once: the parser and the help read the same table. */

export interface FlagSpec {
  readonly type: "string" | "boolean";
  /** How its value is called in the help; empty for a switch. */
  readonly value: string;
  readonly help: string;
  readonly required?: true;
}

const state: FlagSpec = {
  type: "string",
  value: "DIR",
  help: "where credentials, queue and status lie; default: the system's place for a service as root, else the user's state folder",
};

export const commandFlags = {
  enroll: {
    url: {
      type: "string",
      value: "URL",
      required: true,
      help: "the Sentinel to enrol with; https, or http on this machine",
    },
    code: {
      type: "string",
      value: "CODE",
      required: true,
      help: "the enrolment code; - reads it from standard input, so that it shows in no process list",
    },
    name: {
      type: "string",
      value: "NAME",
      help: "how the device is called, 1 to 100 characters; default: its host name",
    },
    state,
    ca: {
      type: "string",
      value: "FILE",
      help: "PEM of one more certificate authority to trust, kept with the credentials",
    },
    force: { type: "boolean", value: "", help: "replace an existing enrolment; readings not yet sent are deleted" },
  },
  run: {
    state,
    interval: { type: "string", value: "SECONDS", help: "time between readings, 0.1 to 3600; default 5" },
  },
  status: {
    state,
    json: { type: "boolean", value: "", help: "print one JSON object" },
  },
  help: {},
  version: {},
} as const satisfies Record<string, Record<string, FlagSpec>>;

export type CommandName = keyof typeof commandFlags;

const summaries: Readonly<Record<CommandName, string>> = {
  enroll: "make this machine a device of an organisation",
  run: "read, send and answer commands until stopped",
  status: "say what the running agent does",
  help: "print this",
  version: "print the version",
};

export function helpText(): string {
  const lines = ["sentinel-agent: watches this machine for the organisation it is enrolled with", ""];
  for (const [name, flags] of Object.entries(commandFlags)) {
    lines.push(`  sentinel-agent ${name}`, `      ${summaries[name as CommandName]}`);
    for (const [flag, spec] of Object.entries(flags) as [string, FlagSpec][]) {
      const head = `--${flag}${spec.value === "" ? "" : ` ${spec.value}`}`;
      lines.push(`        ${head.padEnd(20)}${spec.required === true ? "(required) " : ""}${spec.help}`);
    }
  }
  return `${lines.join("\n")}\n`;
}
