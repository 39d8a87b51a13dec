import type { WafRule } from "../rule.ts";

const values = ["query_value", "body_value", "cookie", "header", "referer"] as const;

/** Signs of making a server fetch what a client can't: its cloud's credentials, its own ports, an attacker's program. */
export const requestForgeryRules: readonly WafRule[] = [
  {
    id: "cloud-metadata",
    class: "request_forgery",
    severity: "critical",
    why: "the address where a cloud machine reads its own credentials",
    targets: values,
    needs: [".0:["],
    sign: /\b169\.254\.169\.254\b|\bmetadata\.google\.internal\b|\b0xa9fea9fe\b|\b0xa9\.0xfe|\b2852039166\b|\b0251\.0376|\[?fd00:ec2::254\]?|\[::ffff:a9fe:a9fe\]|\b100\.100\.100\.200\b|\b192\.0\.0\.192\b|\b169\.254\.170\.2\b|\b169\.254\.169\.254\.(?:nip|xip)|\/latest\/(?:meta-data|user-data|dynamic)\b|\/computemetadata\/v1\b|\bmetadata\.(?:tencentyun|azure|packet)\b/,
    ignoresDocuments: true,
    examples: {
      blocks: ["http://169.254.169.254/latest/meta-data/", "http://metadata.google.internal/"],
      passes: ["10.0.0.254", "metadata of Google Drive"],
    },
  },
  {
    id: "own-address",
    class: "request_forgery",
    severity: "critical",
    why: "this machine's own address, hidden as a number or at a port of a service",
    targets: ["query_value", "body_value", "cookie"],
    needs: [":", "/"],
    sign: /^[a-z+.-]{2,12}:\/{1,3}(?:[^/@\s]{0,40}@)?(?:0x[0-9a-f]{2,8}(?:[./:]|$)|\d{8,10}(?:[/:]|$)|0\d{2,3}\.\d|0[0-7]{9,11}(?:[/:]|$)|0x[0-9a-f]{2}\.|127\.1(?:[/:]|$)|127\.\d{1,3}\.\d{1,3}\.[2-9]\d{0,2}|0(?:\.0){0,3}(?:[/:]|$)|\[(?:::1?|0{1,4}:[0:]{1,30}1?|::ffff:[^\]]{1,20})\]|(?:127\.0\.0\.1|localhost|localtest\.me|[a-z0-9.-]{0,40}\.(?:nip|xip|sslip)\.io)(?:\.?:(?:2[1-7]|80|110|111|143|389|443|445|2375|3306|5432|5984|6379|8500|9000|9200|10250|11211|27017)(?!\d)|\/(?:admin|server-status|manager|console|private|internal|etc|secret|flag)|\/?$))|^[a-z]{3,6}:\/\/(?:spoofed\.|customer1\.|burpcollaborator|[a-z0-9]{8,40}\.(?:oast\.[a-z]{2,6}|interact\.sh|burpcollaborator\.net|dnslog\.cn|ceye\.io|requestbin\.net|webhook\.site))/,
    examples: {
      blocks: [
        "http://0x7f000001/",
        "http://[::1]/x",
        "http://127.0.0.1:6379/",
        "http://localhost/admin",
        "http://2130706433/",
      ],
      passes: [
        "http://localhost:3000/callback",
        "http://localhost:44312",
        "http://127.0.0.1:21044/",
        "http://192.168.1.20/camera",
        "https://school.example/0",
      ],
    },
  },
  {
    id: "remote-include",
    class: "request_forgery",
    severity: "critical",
    why: "the whole value is the address of a program on another machine",
    targets: ["query_value", "body_value", "cookie"],
    needs: [":\\", "/\\"],
    sign: /^(?:https?|ftps?|s?mb|\\{2}):?\/{2}[^\s?#]{3,120}(?:\/(?:r57|c99|c100|shell|cmd|xss|evil|malicious|exploit|rfi(?:inc)?|inject|backdoor|webshell|b374k)\d{0,3}(?:\.[a-z0-9]{2,5})?(?:\?|$)|\.(?:txt|gif|jpg|dat|dtd|xsl|inc)\?{1,2}(?:$|&|\0)|\.txt(?:%00|\0)|\.(?:phtml|inc|sh|dtd|hta|ps1)(?:\?\w{0,10}=?)?$)|^https?:\/\/\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?::\d{1,5})?\/[^\s]{0,60}\.(?:txt|php|sh|exe|elf|bin|jsp|py|pl)\b|^https?:\/\/(?:evil|attacker|rfi|malicious|hacker)[a-z0-9.-]{0,40}(?:\/|$)|^\\\\[a-z0-9-]{1,60}\.[a-z0-9.-]{2,60}\\[a-z]/,
    examples: {
      blocks: [
        "http://x.example/shell.txt?",
        "ftp://x.example/c99.txt",
        "http://10.1.2.3/a.sh",
        "http://evil.example/",
      ],
      passes: [
        "https://school.example/report.pdf?x=1",
        "http://school.example/robots.txt",
        "https://a.example/index.php?id=1",
      ],
    },
  },
];
