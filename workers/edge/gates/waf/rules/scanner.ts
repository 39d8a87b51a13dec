import type { WafRule } from "../rule.ts";

/** Tools that announce themselves. One that lies about its name is met by the other rules. */
export const scannerRules: readonly WafRule[] = [
  {
    id: "scanner-user-agent",
    class: "scanner",
    severity: "critical",
    why: "a vulnerability scanner by its own name",
    targets: ["user_agent"],
    needs: [],
    sign: /\b(?:sqlmap|nikto|nuclei|wpscan|masscan|zgrab|acunetix|nessus|openvas|dirbuster|gobuster|feroxbuster|dirsearch|dirb|ffuf|fuzz faster|wfuzz|arachni|w3af(?:\.sf\.net)?|havij|netsparker|jaeles|whatweb|nmap|zmeu|commix|xsser|xsstrike|dalfox|joomscan|burpcollaborator|burp ?suite|qualys|appscan|skipfish|vega\/|l9explore|l9tcpid|censysinspect|projectdiscovery|httpx - open|grabber|grendel-scan|pangolin|absinthe|bsqlbf|sqlninja|sqlpowerinjector|paros|webinspect|whisker|morfeus|n-stealth|nsauditor|metis|mysqloit|jorgee|brutus|hydra|owasp(?:_| )zap|zaproxy|zap\/|cgichk|datacha0s|dotdotpwn|fimap|webshag|webvulnscan|wafw00f|springenwerk|sysscan|prog\.customcrawler|internet ninja|golismero|vulnerability|detectify|intruder\.io|tinfoil|tplmap|xspider|gitrob|cisco-torch|amiga-aweb|revolt|libwhisker|webbandit|core-project|toata dragostea|hello,? ?world|\(hydra\)|mozlila)\b/,
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
  {
    id: "scanner-mark",
    class: "scanner",
    severity: "critical",
    why: "marks that scanners leave in what they send",
    targets: ["path", "query_name", "query_value", "header", "referer", "cookie"],
    needs: [],
    sign: /nessus_is_probing|appscan_fingerprint|acunetix[-_]?wvs|\bacunetix-(?:product|scanning)|\bw3af_|nikto-test|rfiinc\.txt|\.oast\.(?:pro|live|site|online|fun|me)\b|\binteract\.sh\b|\bburpcollaborator\.net|\bnuclei-template|\bxss\.rocks\b|\bxss\.ht\b|\bbxss\.me\b|\bha\.ckers\.org\b|netsparker|w00tw00t|muieblackcat|\bcirt\.net\/rfiinc|\bx-scan-memo\b/,
    examples: { blocks: ["/nessus_is_probing_you_", "/w00tw00t.at.isc.sans"], passes: ["/interaction", "/nuclear"] },
  },
];
