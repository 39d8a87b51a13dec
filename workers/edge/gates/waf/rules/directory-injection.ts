import { freeText, type WafRule } from "../rule.ts";

/** Signs of LDAP filters, XPath and mail headers: small languages whose separators a client may bring along. */
export const directoryInjectionRules: readonly WafRule[] = [
  {
    id: "ldap-filter",
    class: "directory_injection",
    severity: "critical",
    why: "a filter's bracket closes and another begins",
    targets: freeText,
    needs: ["(", ")*|&!="],
    sign: /\*\s?\)\s?\(\s?[|&!]|\)\s?\(\s?[|&!]\s?\(?|\*\s?\)\s?\(\s?[a-z]{1,24}\s?=|^\(\s?[|&!]\s?\(\s?[a-z]{1,24}\s?[=~<>]|\)\s?\(\s?(?:uid|cn|sn|mail|objectclass|userpassword|password|ou|dc|samaccountname|memberof|givenname|admin|user)\s?[=~:]|^\*\)\){0,3}(?:$|[|&%(\0])|^[a-z*]{0,20}\)\(&\)|\(objectclass=\*?|^\*\(\||^[|&!]\([a-z]{2,20}=|\)\)\(\||\)\(\(\||\|\(\s?[a-z]{2,20}=\*/,
    ignoresDocuments: true,
    examples: {
      blocks: ["*)(uid=*))(|(uid=*", "admin)(&)", "*)(objectClass=*", "(|(cn=*)(sn=*))", "*)(&"],
      passes: ["f(x)(y)", "(a) (b)", "(2*)(3)", "Fees (annual) (name = total)"],
    },
  },
  {
    id: "xpath",
    class: "directory_injection",
    severity: "critical",
    why: "XPath's axes and functions",
    targets: freeText,
    needs: ["(:/[", "()]"],
    sign: /\bcount\s?\(\s?(?:\/|parent::|child::|\.\.?\/|@)|\b(?:child|parent|ancestor|descendant|following|preceding|attribute)(?:-or-self|-sibling)?::(?:node|text|\*|[a-z])|\bstring-length\s?\(\s?(?:name|\/|user|\.)|\bsubstring\s?\(\s?(?:name\s?\(|\/\/|\/\*)|\bname\s?\(\s?\/|'\]\s?\|\s?\/\/|\/\/\*\s?\[|\bdoc\s?\(\s?['"]?(?:concat|https?:|file:)|\]\s?\|\s?\/\/?[a-z*]{1,20}\s?(?:\[|\||%00)/,
    ignoresDocuments: true,
    examples: {
      blocks: ["' or count(parent::*[position()=1])=0", "x'] | //user/*[contains(*,'"],
      passes: ["std::node", "child: node()", "count(all)"],
    },
  },
  {
    id: "mail-header",
    class: "directory_injection",
    severity: "critical",
    why: "a line break and a mail header or command: adds readers to a message that is sent for somebody",
    targets: ["query_value", "query_name", "cookie", "header", "body_value", "file_name"],
    needs: ["\n", ":@."],
    sign: /^[^\n]{0,120}\n(?:(?:b?cc|to|from|reply-to)\s?:[^\n]{0,80}@|(?:subject|mime-version|content-transfer-encoding|x-mailer)\s?:)|\n(?:rcpt\sto|mail\sfrom)\s?:|\n\.\n(?:mail|quit|rset)|\n[a-z0-9]{1,6}\s(?:capability\b|fetch\s\d|logout$|login\s\S{1,40}\s\S|select\s"?inbox)/,
    ignoresDocuments: true,
    examples: {
      blocks: ["a@b.example\nBcc: c@d.example", "x%0ato:y@z.example", "x\r\nRCPT TO: <y@z>"],
      passes: ["Hello\nTomorrow: nothing", "a\nb: c"],
    },
  },
];
