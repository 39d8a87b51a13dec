import { everywhere, type WafRule } from "../rule.ts";

/** Characters that mean something to the protocols beneath. */
export const protocolRules: readonly WafRule[] = [
  {
    id: "null-byte",
    class: "protocol",
    severity: "critical",
    why: "a NUL ends a string early in some languages, so that two readers see two texts; no text of ours has one",
    targets: everywhere,
    needs: [],
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the character is the sign
    sign: /\u0000/,
    examples: { blocks: ["a%00b", "a\u0000b", "x\\u0000"], passes: ["100 %", "0 errors", "a%0"] },
  },
  {
    id: "header-injection",
    class: "protocol",
    severity: "critical",
    why: "a line break and a header's name: splits an answer in two where it is echoed into one",
    targets: ["query_name", "query_value", "path", "cookie", "referer", "header"],
    needs: ["\n"],
    sign: /\n\s?(?:set-cookie2?|location|content-(?:type|length|disposition|encoding)|transfer-encoding|host|refresh|x-[a-z-]{3,30}|access-control-[a-z-]{3,30}|link|status|connection|user-agent|referer|cookie)\s?:|\nhttp\/\d|\n(?:get|post|put|head|options|delete|trace)\s\/?\S{0,80}\shttp\/\d|\n\s?<(?:html|script|body|svg|img)/,
    examples: {
      blocks: [
        "x%0d%0aSet-Cookie:a=b",
        "x%0aLocation: //x.example",
        "%E5%98%8A%0D%0AHTTP/1.1 200 OK",
        "x\r\nX-Injected: 1",
      ],
      passes: ["Location: Delhi", "set-cookie: what it does"],
    },
  },
  {
    id: "header-injection-wide",
    class: "protocol",
    severity: "critical",
    why: "characters whose low byte is a line break (U+560A, U+560D), which some servers cut down to it",
    targets: ["query_value", "query_name", "path", "cookie"],
    needs: [],
    sign: /\u560a|\u560d/,
    examples: { blocks: ["%E5%98%8A%E5%98%8DSet-Cookie:a=b"], passes: ["嘉 school", "नमस्ते"] },
  },
];
