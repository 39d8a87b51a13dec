// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are the attack
import { everywhere, type WafRule } from "../rule.ts";

/** Signs of templates and expression languages: they calculate, or reach for what a page has no use for. */
export const templateInjectionRules: readonly WafRule[] = [
  {
    id: "jndi-lookup",
    class: "template_injection",
    severity: "critical",
    why: "a log4j lookup (CVE-2021-44228), plain or in the nested forms that hide it",
    targets: everywhere,
    needs: ["$%", "{"],
    sign: /\$\{?\s?\{?\s?jndi\s?:|\bjndi:(?:ldaps?|rmi|dns|iiop|nis|corba|http)|\$\{(?:lower|upper|env|sys|java|date|main|ctx|base64|hostname|log4j|k8s|docker|spring|web|sd|map|bundle|marker|event|jvmrunargs|script|url|dns):[^}]{0,80}\}|\$\{::-|\$\{[^{}]{0,40}:-[^}]{1,2}\}|\$\{[^{}]{0,40}\$\{[^{}]{0,60}:/,
    examples: {
      blocks: [
        "${jndi:ldap://x.example/a}",
        "${${lower:j}ndi:rmi://x}",
        "${${::-j}ndi:dns://x}",
        "%24%7Bjndi%3Aldap%3A%2F%2Fx%7D",
        "${${env:x:-j}ndi:x}",
      ],
      passes: ["Dear ${name}", "Cost: ${price} and ${tax}", "JNDI: an overview"],
    },
  },
  {
    id: "template-arithmetic",
    class: "template_injection",
    severity: "critical",
    why: "a template expression that calculates with constants: a test whether anybody evaluates it",
    targets: everywhere,
    needs: ["{<[@", "0'\""],
    sign: /(?:\{\{|[$#@*~%]\{|\[\[|\{\{=|<%=?|@\(|\{@|\[=|\$\{\{|\{\{\[)\s?['"(]{0,2}\d{1,9}['")]{0,2}\s?[-*+/]\s?['"(]{0,2}\d{1,9}['")]{0,2}\s?(?:\}|%>|\]|\)|\||\.)|\{\{\s?['"][^'"]{0,20}['"]\s?(?:\*|\.|\||\[|\()|\{\{\s?\[\s?\]|\{\{\s?\(/,
    examples: {
      blocks: ["{{7*7}}", "${7*7}", "#{ 7 * 7 }", "<%= 7*7 %>", "{{7*'7'}}", "${{7*7}}", "@(1+2)", "[[${7*7}]]"],
      passes: ["Hello {{name}}", "7*7 is 49", "{{ count }} / {{ total }}", "[1-2]", "${total}"],
    },
  },
  {
    id: "template-object",
    class: "template_injection",
    severity: "critical",
    why: "a template expression that reaches for classes, configuration or programs",
    targets: everywhere,
    needs: ["{<#@%[(."],
    sign: /\{[{%][^{}]{0,160}(?:\bconfig\b(?:\.|\[|\s?\}|\.items|\s?\|)|\bself\b|\brequest(?:\.application|\.environ|\.args|\||\[)|__[a-z]{3,16}__|\bconstructor\b|\blipsum\b|\bcycler\b|\bjoiner\b|\burl_for\b|\bget_flashed|\b_self\b|\bapp\.request|\bdump\s?\(|\bfilter\s?\(|\bpopen\b|\bsystem\b|\bsubprocess|\bimport\s?os|\bphp\b|\$smarty|\bsettings\.secret|\bdebug\s?%|\.class\b|getclass|\|\s?attr|\bcsrf_token\s?\(|\bmap\(|\bphpinfo|\brange\.constructor|\bnew\s(?:java|function)|\bthis\.|\bjoin\(|\bnamespace\b|\$on\.|\$eval|\btojson)|[$#*%@]\{[^{}]{0,120}?(?:\bt\s?\(\s?java|\bjava\.|\bruntime\b|getclass|\.class\b|processbuilder|#_memberaccess|#context|@[a-z.]{4,60}@|\bexec\s?\(|\bsystem\s?\(|\bpopen\b|\bapplicationscope|\bsessionscope|\bfacescontext|\bpagecontext|\bnew\sjava|\bself\.__|\bsmarty\b|__[a-z]{3,16}__|\bprint\s?\(|\bphpinfo|\balert\s?[(`]|\bprocess\.(?:main|binding)|\bglobal\.process|\bconstructor\.|\bfile\.(?:read|open)|\bopen\s?\(\s?['"|]|\$\w{0,20}\()|<%[=@!#]?\s?[^%]{0,120}(?:system|exec|file\.|open|io\.|request|runtime|eval|response|`|import|page\s|include)|\{(?:php|literal|if\sphpinfo|\$smarty|system)[^}]{0,60}\}|<#assign\b|\bfreemarker\.template|\?new\s?\(\)|#set\s?\(\s?\$|#(?:foreach|evaluate|include|parse)\s?\(\s?['"$]|\{\{=?\s?global\.|\$class\.(?:inspect|forname)|\{%\s?(?:import|include|for\s[a-z]{1,9}\sin\s(?:\(\)|\[\]|self|request)|debug|set\s[a-z]{1,10}\s?=\s?(?:cycler|self|''))/,
    ignoresDocuments: true,
    examples: {
      blocks: [
        "{{''.__class__.mro}}",
        "{{config.items()}}",
        "${T(java.lang.Runtime).getRuntime()}",
        "%{(#_memberAccess['x']=1)}",
        "<#assign ex='freemarker.template.utility.Execute'?new()>",
        "#set($x='')",
        "{php}echo 1;{/php}",
        "{{constructor.constructor('alert(1)')()}}",
      ],
      passes: [
        "{{ class }} {{ section }}",
        "{% if user %}",
        "Import {{ file }}",
        "Hello ${user.name}",
        "#settings (2)",
      ],
    },
  },
  {
    id: "server-side-include",
    class: "template_injection",
    severity: "critical",
    why: "a directive that a server executes in its pages",
    targets: everywhere,
    needs: ["<"],
    sign: /<!--\s?#\s?(?:exec|include|echo|printenv|config|set|flastmod|fsize|if)\b|<esi:(?:include|inline|debug|vars|assign|remove)|<!--esi/,
    examples: {
      blocks: ['<!--#exec cmd="id"-->', "<esi:include src=//x.example>"],
      passes: ["<!-- # heading -->", "<!-- exec summary -->"],
    },
  },
];
