import type { WafRule } from "../rule.ts";

/** Signs of a program in the place of a file. */
export const uploadRules: readonly WafRule[] = [
  {
    id: "upload-program-name",
    class: "upload",
    severity: "critical",
    why: "a file name that some server runs, perhaps behind a second extension",
    targets: ["file_name"],
    needs: ["."],
    sign: /\.(?:php\d?|phps|phtml|pht|phar|pgif|shtml?|inc|jspx?|jspf|jsw|jsv|aspx?|ashx|asmx|asa|cer|cdx|cfm|cfml|cgi|war|jar|hta|exe|dll|bat|cmd|scr|vbs|ps1|wsf|msi|elf)(?:$|[.;:%\0\s/\\])|(?:^|[/\\])(?:\.htaccess|\.user\.ini|web\.config|\.htpasswd)$/,
    examples: {
      blocks: ["shell.php", "a.php.jpg", "x.phtml", "a.asp;.jpg", ".htaccess", "x.jsp%00.png"],
      passes: ["report.final.pdf", "photo.jpg.png", "php notes.txt", "asp.net course.docx"],
    },
  },
  {
    id: "upload-active-content",
    class: "upload",
    severity: "critical",
    why: "a file's content that a server or a browser runs",
    targets: ["file_content"],
    needs: ["<"],
    sign: /<%@?\s?(?:page|import|=|eval|execute|response|request|language)|<script[\s>/]|<svg[^>]{0,400}\son[a-z]{3,20}\s?=|<jsp:|<cf(?:execute|file|query|set)\b|#!\/(?:usr\/)?bin\/[a-z/]{2,20}\n/,
    examples: {
      blocks: ['<%@ page import="java.io.*" %>', "<script>alert(1)</script>", "<svg onload=alert(1)>"],
      passes: ["a,b\n1,2", "<svg><path d='M0 0'/></svg>"],
    },
  },
];
