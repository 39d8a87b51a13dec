import type { WafRule } from "../rule.ts";

/** Tools that announce themselves. One that lies about its name is met by the other rules. */
export const scannerRules: readonly WafRule[] = [
  {
    id: "scanner-user-agent",
    class: "scanner",
    severity: "critical",
    why: "a vulnerability scanner by its own name",
    targets: ["user_agent"],
    pattern:
      /\b(?:sqlmap|nikto|nuclei|wpscan|masscan|zgrab|acunetix|nessus|openvas|dirbuster|gobuster|feroxbuster|dirsearch|ffuf|wfuzz|arachni|w3af|havij|netsparker|jaeles|whatweb|nmap|zmeu|commix|xsser|joomscan|burpcollaborator|qualys|appscan|skipfish|vega\/|l9explore|censysinspect|projectdiscovery)\b/,
    examples: {
      blocks: [
        "sqlmap/1.8.2#stable (https://sqlmap.org)",
        "Mozilla/5.0 (compatible; Nmap Scripting Engine)",
        "Nuclei - Open-source project",
        "gobuster/3.6",
        "sqlmap",
      ],
      passes: [
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
        "curl/8.5.0",
        "sentinel-agent/0.1.0 (linux; x64)",
      ],
    },
  },
];
