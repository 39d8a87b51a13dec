import { freeText, type WafRule } from "../rule.ts";

const values = ["query_value", "query_name", "body_value", "cookie"] as const;

/** Signs of leaving a folder. No route maps a client's path to a file; scanners try all the same. */
export const pathTraversalRules: readonly WafRule[] = [
  {
    id: "traversal-in-path",
    class: "path_traversal",
    severity: "critical",
    why: "a parent folder in the request's own path, however it is written",
    targets: ["path"],
    pattern: /(?:^|[/\\;])\.{2}(?:[/\\;]|$)/,
    examples: {
      blocks: ["/../etc/hosts", "/a/%2e%2e/b", "/a/..%5cb", "/a/%252e%252e%252fb", "/a/..;/b"],
      passes: ["/o/demo/v1..2", "/assets/a..b.js"],
    },
  },
  {
    id: "traversal-overlong",
    class: "path_traversal",
    severity: "critical",
    why: "dots and slashes in an encoding that is not valid UTF-8, to slip past a decoder",
    targets: freeText,
    pattern: /%c0%a[ef]|%e0%80%a[ef]|%c1%9c|%u002[ef]|%uff0[ef]|%u221[56]/,
    examples: { blocks: ["/%c0%ae%c0%ae/x", "/a%c1%9cb"], passes: ["/caf%c3%a9", "50%c and 20%"] },
  },
  {
    id: "traversal-deep",
    class: "path_traversal",
    severity: "critical",
    why: "three parent folders in a row lead out of anything",
    targets: values,
    pattern: /(?:\.{2,4}[/\\]{1,2}){3}/,
    examples: {
      blocks: ["../../../secret", "..\\..\\..\\x", "....//....//....//x"],
      passes: ["../../docs/index", "Wait.../…/..."],
    },
  },
  {
    id: "traversal-parent",
    class: "path_traversal",
    severity: "warning",
    why: "a parent folder",
    targets: values,
    pattern: /(?:^|[/\\=])\.\.[/\\]/,
    examples: { blocks: ["../etc/passwd", "x=..\\win.ini"], passes: ["See ../README", "../images/logo.png"] },
  },
  {
    id: "traversal-sensitive-file",
    class: "path_traversal",
    severity: "error",
    why: "files that are read first on a machine one should not be on",
    targets: values,
    pattern:
      /\/etc\/(?:passwd|shadow|hosts|group|sudoers)\b|\/proc\/(?:self|\d{1,7})\/|\bc:[/\\]{1,2}(?:windows|winnt|boot\.ini)|\b(?:win|boot)\.ini\b|\.ssh\/(?:id_|authorized_keys)|\bweb-inf\b/,
    examples: { blocks: ["../etc/passwd"], passes: ["How /etc/passwd works", "What is win.ini?"] },
  },
  {
    id: "traversal-absolute",
    class: "path_traversal",
    severity: "critical",
    why: "the whole value is the address of such a file, or a wrapper that reads one",
    targets: values,
    pattern:
      /^(?:file:\/\/)?\/(?:etc\/(?:passwd|shadow|group|hosts|sudoers)|proc\/self\/[a-z]{2,12})$|\b(?:php|expect|phar|zip):\/\//,
    examples: {
      blocks: ["/etc/passwd", "file:///etc/shadow", "php://filter/convert.base64-encode/resource=x"],
      passes: ["/etc/ is a folder", "PHP: a short course"],
    },
  },
];
