// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are the attack
import { everywhere, freeText, type WafRule } from "../rule.ts";

/** Signs of other interpreters: loggers, templates, object prototypes, XML, the cloud's own addresses. */
export const codeInjectionRules: readonly WafRule[] = [
  {
    id: "jndi-lookup",
    class: "code_injection",
    severity: "critical",
    why: "a log4j lookup (CVE-2021-44228), plain or in the nested forms that hide it",
    targets: everywhere,
    pattern:
      /\$\{\s?jndi\s?:|\$\{(?:lower|upper|env|sys|java|date|main|ctx|base64):[^}]{0,60}\}|\$\{::-|\$\{[^{}]{0,40}\$\{[^{}]{0,60}:/,
    examples: {
      blocks: [
        "${jndi:ldap://x.example/a}",
        "${${lower:j}ndi:rmi://x}",
        "${${::-j}ndi:dns://x}",
        "%24%7Bjndi%3Aldap%3A%2F%2Fx%7D",
      ],
      passes: ["Dear ${name}", "Cost: ${price} and ${tax}", "JNDI: an overview"],
    },
  },
  {
    id: "prototype-pollution-name",
    class: "code_injection",
    severity: "critical",
    why: "a field that would reach an object's prototype",
    targets: ["body_key", "query_name"],
    pattern:
      /(?:^|[.[\]"'])__(?:proto|definegetter|definesetter|lookupgetter)__(?:$|[.[\]"'])|\bconstructor(?:\.|\]?\[["']?)prototype\b/,
    examples: {
      blocks: ["__proto__", "__proto__[admin]", "constructor.prototype", "a[constructor][prototype][x]"],
      passes: ["constructor", "prototype", "proto"],
    },
  },
  {
    id: "prototype-pollution-text",
    class: "code_injection",
    severity: "critical",
    why: "JSON or code in a string that sets a prototype",
    targets: ["query_value", "body_value", "cookie"],
    pattern: /["']__proto__["']\s?[:\]]|\bconstructor\.constructor\s?\(|\.__proto__\.[a-z]{1,40}\s?=/,
    examples: {
      blocks: ['{"__proto__":{"admin":true}}', "constructor.constructor('x')"],
      passes: ["What is __proto__ in JavaScript?", "constructor of class B"],
    },
  },
  {
    id: "template-injection",
    class: "code_injection",
    severity: "critical",
    why: "a template expression that calculates or reaches for objects",
    targets: freeText,
    pattern:
      /\{\{[^{}]{0,40}(?:\d{1,6}\s?\*\s?'?\d{1,6}|config\.|self\.|request\.|__class__|__globals__|constructor)[^{}]{0,80}\}\}|[$#@]\{\s?\d{1,6}\s?\*\s?\d{1,6}\s?\}|<%=?\s?\d{1,6}\s?\*\s?\d/,
    examples: {
      blocks: ["{{7*7}}", "${7*7}", "{{''.__class__.mro}}", "<%= 7*7 %>"],
      passes: ["Hello {{name}}", "{{ class }} {{ section }}", "7*7 is 49"],
    },
  },
  {
    id: "server-code",
    class: "code_injection",
    severity: "critical",
    why: "source of a server's language where text belongs",
    targets: freeText,
    pattern:
      /<\?php\b|<\?=|\brequire\s?\(\s?["'](?:node:)?(?:child_process|fs|vm)["']\s?\)|\bprocess\.(?:mainmodule|binding)\b|\b__import__\s?\(|\bruntime\.getruntime\s?\(|\bclass\.module\.classloader\b/,
    examples: {
      blocks: ["<?php system('id'); ?>", "require('child_process').exec('id')", "__import__('os').system('id')"],
      passes: ["PHP <?> what is it", "We require (child) consent", "Import __init__"],
    },
  },
  {
    id: "xml-entity",
    class: "code_injection",
    severity: "critical",
    why: "an XML document type with entities: reads files through a parser",
    targets: freeText,
    pattern: /<!entity\s|<!doctype\s[^<>]{1,80}(?:\[|\ssystem\s["'])|<!\[cdata\[/,
    examples: {
      blocks: ['<!DOCTYPE x [<!ENTITY y SYSTEM "file:///x">]>', "<!ENTITY % a 'b'>"],
      passes: ["<!doctype html", "DOCTYPE system explained"],
    },
  },
  {
    id: "cloud-metadata",
    class: "code_injection",
    severity: "critical",
    why: "the address where a cloud machine reads its own credentials",
    targets: ["query_value", "body_value", "cookie"],
    pattern: /\b169\.254\.169\.254\b|\bmetadata\.google\.internal\b|\b0xa9fea9fe\b|\[?fd00:ec2::254\]?/,
    examples: {
      blocks: ["http://169.254.169.254/latest/meta-data/", "http://metadata.google.internal/"],
      passes: ["10.0.0.254", "metadata of Google Drive"],
    },
  },
];
