import { everywhere, freeText, type WafRule } from "../rule.ts";

/** Signs of script in text. Pages escape everything and the content policy runs no inline script; this is a layer before. */
export const crossSiteScriptingRules: readonly WafRule[] = [
  {
    id: "xss-script-tag",
    class: "cross_site_scripting",
    severity: "critical",
    why: "a script element",
    targets: everywhere,
    pattern: /<\/?script(?:[\s/>]|$)/,
    examples: {
      blocks: [
        "<script>alert(1)</script>",
        "&lt;script src=//x.example&gt;",
        "%253Cscript%253E",
        "\\u003cscript\\u003e",
        "<ScRiPt/x>",
      ],
      passes: ["Film script <draft 2>", "5 < scripts", "A <scripted> reply"],
    },
  },
  {
    id: "xss-event-handler",
    class: "cross_site_scripting",
    severity: "critical",
    why: "an element with an event handler attribute",
    targets: everywhere,
    pattern: /<[a-z!/?][^<>]{0,300}[\s/"'`]on[a-z]{4,24}\s?=/,
    examples: {
      blocks: [
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "<body\nonload = x()>",
        "<a href='x'onmouseover=y>",
      ],
      passes: ["a <b on monday = holiday", "x < 3 and online = true", "<marks> on paper = 50"],
    },
  },
  {
    id: "xss-attribute-break",
    class: "cross_site_scripting",
    severity: "critical",
    why: "a quote ends an attribute and an event handler follows",
    targets: everywhere,
    pattern:
      /["'`]\s?\/?>?\s?(?:\w{0,20}\s)?on(?:error|load|click|dblclick|mouse[a-z]{2,6}|pointer[a-z]{2,8}|focus(?:in|out)?|blur|input|change|submit|key(?:down|up|press)|toggle|animation[a-z]{3,9}|transition[a-z]{3,6}|wheel|copy|paste|drag[a-z]{0,5}|drop|scroll|begin|pageshow|hashchange|message|popstate)\s?=/,
    examples: {
      blocks: ['" onfocus=alert(1) autofocus="', "' autofocus onfocus=x '"],
      passes: ['The "online" load = 4 kW', "'on' click counts = 3"],
    },
  },
  {
    id: "xss-javascript-uri",
    class: "cross_site_scripting",
    severity: "critical",
    why: "a javascript: address with code in it",
    targets: everywhere,
    pattern: /\bjavascript:(?:\/\/|[a-z_$][\w.$[\]]{0,60}\s?[(=`]|[([%"'`]|void\b)/,
    examples: {
      blocks: ["javascript:alert(1)", "javascript://%0aalert(1)", "JaVaScRiPt:window.name=1"],
      passes: ["JavaScript: The Good Parts (2008)", "Learn JavaScript: basics (part 1)"],
    },
  },
  {
    id: "xss-uri-attribute",
    class: "cross_site_scripting",
    severity: "critical",
    why: "an attribute that takes an address and is given a script",
    targets: everywhere,
    pattern:
      /\b(?:href|src|action|formaction|data|poster|background|srcdoc)\s?=\s?["'`]?\s?(?:j\s?a\s?v\s?a\s?s\s?c\s?r\s?i\s?p\s?t|v\s?b\s?s\s?c\s?r\s?i\s?p\s?t)\s?:/,
    examples: {
      blocks: ["<a href='jav&#x09;ascript:x'>", 'formaction="java\nscript : x"'],
      passes: ["src = JavaScript files", "data = javascript notes: chapter 1"],
    },
  },
  {
    id: "xss-data-uri",
    class: "cross_site_scripting",
    severity: "critical",
    why: "a data: address that is a page",
    targets: everywhere,
    pattern: /\bdata:(?:text\/html|application\/xhtml\+xml)[;,]|\bvbscript:[a-z(]/,
    examples: {
      blocks: ["data:text/html;base64,PHNjcmlwdD4=", "vbscript:msgbox(1)"],
      passes: ["Data: text/plain and numbers", "data:image/png;base64,iVBORw0KGgo="],
    },
  },
  {
    id: "xss-frame",
    class: "cross_site_scripting",
    severity: "critical",
    why: "an element that loads another page or program",
    targets: freeText,
    pattern: /<(?:iframe|embed|applet|frameset|foreignobject)(?:[\s/>]|$)/,
    examples: {
      blocks: ["<iframe src=//x.example>", "<embed/src=x>"],
      passes: ["The <frame> of the door", "embed <your> heart"],
    },
  },
  {
    id: "xss-element",
    class: "cross_site_scripting",
    severity: "error",
    why: "an element that can run or load something, given the right attributes",
    targets: freeText,
    pattern:
      /<\/?(?:object|svg|math|link|meta|base|style|form|img|video|audio|details|marquee|template|body|html|input|button|textarea|image|noscript|plaintext)(?:[\s/>]|$)/,
    examples: {
      blocks: ["<object data=x>eval(name)</object>"],
      passes: ["How the <img> tag works", "Map<Object> in code"],
    },
  },
  {
    id: "xss-script-call",
    class: "cross_site_scripting",
    severity: "warning",
    why: "calls that injected scripts make first",
    targets: freeText,
    pattern:
      /\b(?:alert|confirm|prompt|eval|settimeout|setinterval|atob|fetch|import)\s?[(`]|\bdocument\.(?:cookie|write|location|domain)\b|\bwindow\.(?:location|name|open)\b|\.innerhtml\b|string\.fromcharcode|\bsrcdoc\s?=/,
    examples: {
      blocks: ["<math>eval(x)</math>", "<style>@import(x)</style>"],
      passes: ["Red alert (test)", "eval() considered harmful", "How document.cookie works"],
    },
  },
];
