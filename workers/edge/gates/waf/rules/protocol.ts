import { everywhere, type WafRule } from "../rule.ts";

/** Characters that mean something to the protocols beneath. */
export const protocolRules: readonly WafRule[] = [
  {
    id: "null-byte",
    class: "protocol",
    severity: "critical",
    why: "a NUL ends a string early in some languages, so that two readers see two texts; no text of ours has one",
    targets: everywhere,
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the character is the sign
    pattern: /\u0000/,
    examples: { blocks: ["a%00b", "a\u0000b", "x\\u0000"], passes: ["100 %", "0 errors", "a%0"] },
  },
  {
    id: "header-injection",
    class: "protocol",
    severity: "critical",
    why: "a line break and a header's name: splits an answer in two where it is echoed into one",
    targets: ["query_name", "query_value", "path", "cookie", "referer"],
    pattern:
      /\n(?:set-cookie|location|content-(?:type|length|disposition)|transfer-encoding|host|refresh)\s?:|\nhttp\/1\.\d/,
    examples: {
      blocks: ["x%0d%0aSet-Cookie:a=b", "x%0aLocation: //x.example", "%E5%98%8A%0D%0AHTTP/1.1 200 OK"],
      passes: ["Location: Delhi", "set-cookie: what it does"],
    },
  },
];
