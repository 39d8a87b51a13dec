import type { WafRule, WafTarget } from "../rule.ts";

const values = ["query_value", "query_name", "body_value", "cookie", "header"] as const;
const everyText: readonly [WafTarget, ...WafTarget[]] = [...values, "path", "referer", "user_agent"];

/** Signs of leaving a folder. No route maps a client's path to a file; scanners try all the same. */
export const pathTraversalRules: readonly WafRule[] = [
  {
    id: "traversal-in-path",
    class: "path_traversal",
    severity: "critical",
    why: "a parent folder in the request's own path, however it is written",
    targets: ["path", "file_name"],
    needs: ["."],
    sign: /(?:^|[/\\;])\.{2}(?:[/\\;]|$)|\.\.(?:0x2f|0x5c|;\/)/,
    examples: {
      blocks: ["/../etc/hosts", "/a/%2e%2e/b", "/a/..%5cb", "/a/%252e%252e%252fb", "/a/..;/b"],
      passes: ["/o/demo/v1..2", "/assets/a..b.js"],
    },
  },
  {
    id: "traversal-overlong",
    class: "path_traversal",
    severity: "critical",
    why: "dots and slashes in an encoding that is not valid UTF-8, to slip past a decoder",
    targets: everyText,
    needs: ["%"],
    sign: /%c0%(?:2[ef]|5[ce]|a[ef]|9[vcv]|qf)|%e0%(?:80|40)%a[ef]|%c1%(?:9c|8s|1c|pc|af)|%u002[ef]|%uff0[ef]|%u221[56]|%f0%80%80%a[ef]|%f8%80%80%80%a[ef]|%fc%80%80%80%80%a[ef]|%bg%qf|%uefc8|%uf025|%%(?:32|35)%/,
    examples: { blocks: ["/%c0%ae%c0%ae/x", "/a%c1%9cb", "/a/..%c0%2fb"], passes: ["/caf%c3%a9", "/50%25c", "/100%"] },
  },
  {
    id: "traversal-deep",
    class: "path_traversal",
    severity: "critical",
    why: "two parent folders or more in a row, which lead out of anything",
    targets: values,
    needs: ["."],
    sign: /(?:\.{2,4}(?:[/\\\u2215\u2216]{1,3}|0x2f|0x5c|;\/|\ufffd[a-z]?\/?)){3}(?!\S{0,120}\.(?:[cm]?[jt]sx?|s?css|less|vue|svelte)\b)|(?:^|[=:/\\])\.{2,3}[/\\]{1,3}\.{2,3}[/\\]{1,3}(?:[a-z._-]{1,30}[/\\]?){0,6}[a-z._-]{0,30}$|(?:0x2e){2}(?:0x2f|0x5c|[/\\])|^(?:\.{2}[/\\]{1,2}){1,20}(?!\S{0,120}\.(?:[cm]?[jt]sx?|s?css|less|vue|svelte|png|jpe?g|gif|svg|webp|avif|ico|woff2?|ttf|html?|md|json|map|pdf|mp[34])$)[^\s'"]{0,120}$/,
    ignoresDocuments: true,
    examples: {
      blocks: ["../../../secret", "..\\..\\..\\x", "....//....//....//x", "..0x2f..0x2f..0x2fx", "../../etc"],
      passes: ["Read ../../docs/index", "Wait.../…/...", "import x from '../../a'"],
    },
  },
  {
    id: "traversal-parent",
    class: "path_traversal",
    severity: "warning",
    why: "a parent folder",
    targets: [...values, "path"],
    needs: ["."],
    sign: /(?:^|[/\\=:'"\s])\.{2,3}[/\\]|[/\\]\.\.$/,
    ignoresDocuments: true,
    examples: {
      blocks: ["../etc/passwd", "x=..\\win.ini"],
      passes: ["See ../README", "../images/logo.png", "../src/index.ts"],
    },
  },
  {
    id: "traversal-sensitive-file",
    class: "path_traversal",
    severity: "error",
    why: "files that are read first on a machine one should not be on",
    targets: [...values, "path"],
    needs: ["./\\-"],
    sign: /\betc[/\\]{1,3}(?:passwd|shadow|hosts|group|sudoers|issue|motd|fstab|crontab|profile|my\.cnf|apache2?|httpd|nginx|ssh|security|master\.passwd|mysql|environment|resolv\.conf|redhat-release|os-release|gshadow|inetd\.conf|samba|ftpusers|php)|\bproc[/\\]{1,2}(?:self|version|cmdline|\d{1,7}|cpuinfo|mounts|net)\b|\b[a-z]:[/\\]{1,3}(?:windows|winnt|boot\.ini|inetpub|users[/\\]|xampp|apache|program\sfiles)|\b(?:win|boot|system|php|my)\.ini\b|\bsystem32\b|\.ssh[/\\](?:id_|authorized_keys|config|known_hosts)|\bid_rsa\b|\b(?:web|meta)-inf\b|\.bash_history|\.ht(?:access|passwd)\b|\bwp-config\.php|\bweb\.config\b|\bvar[/\\](?:log|www|run|spool|mail|lib)[/\\]|\.git[/\\](?:config|head|index)|\.aws[/\\]credentials|(?:^|[/\\])\.env(?:$|\.)|\brepair[/\\]sam\b|\bconfig\.inc\.php|\bglobal\.asa|\/\.(?:svn|hg|docker|kube|npmrc|netrc)\b|\bdesktop\.ini|\bpasswd$|\/root\/\.|\blocal_?settings\.php|\bdatabase\.yml|\bsettings\.py$/,
    ignoresDocuments: true,
    examples: { blocks: ["/./../etc/passwd"], passes: ["How /etc/passwd works", "What is win.ini?"] },
  },
  {
    id: "traversal-file-alone",
    class: "path_traversal",
    severity: "warning",
    why: "the value is a path and leads to such a file",
    targets: values,
    needs: ["./\\"],
    sign: /^[^\s]{0,1024}(?:[/\\.]|\0)(?:passwd|shadow|hosts|boot\.ini|win\.ini|system\.ini|desktop\.ini|web\.xml|web\.config|environ|id_rsa|my\.cnf|httpd\.conf|issue|motd|group|php\.ini|access_log|error_log|sam|global\.asa)(?![a-z])[^\s/\\]{0,24}$/,
    examples: {
      blocks: ["/./././etc/passwd", "..../..../boot.ini"],
      passes: ["https://a.example/config", "see /etc/hosts here"],
    },
  },
  {
    id: "traversal-absolute",
    class: "path_traversal",
    severity: "critical",
    why: "the whole value is the address of such a file, or a wrapper that reads one",
    targets: values,
    needs: ["/:\\"],
    sign: /^["'\s]{0,2}(?:file:\/{0,4})?(?:\/\.?|[a-z]:)?[/\\]{1,3}(?:etc[/\\]{1,2}[a-z0-9._/-]{2,40}|proc[/\\](?:self|version|cmdline|\d{1,7}|cpuinfo|net|mounts)[a-z0-9/_]{0,20}|win(?:dows|nt)[/\\]{1,3}(?:(?:win|system|php|desktop)\.ini|system32[/\\]{1,3}(?:drivers|config|cmd|license|inetsrv)|repair|panther|debug|iis|temp).{0,60}|var[/\\](?:log|www|mail)[/\\].{1,60}|boot\.ini|root\/\..{1,30}|usr\/local\/(?:etc|apache)[a-z0-9/._-]{1,50}|home\/[a-z]{1,20}\/\..{1,40}|inetpub[/\\].{1,40}|web-inf\/.{1,40}|\.(?:env|git\/.{1,30}|ssh\/.{1,30}|aws\/.{1,20}))(?:[\0?#\s].{0,20})?["']?$|\b(?:php|expect|phar|glob|zip|compress\.zlib|ogg|rar|ssh2|jar|netdoc|gopher|dict|ldaps?|tftp|sftp):\/\/|\bphp:(?:filter|input)|\bfile:\/\/|\bdata:\/\/text\/plain|\bjar:(?:file|https?):/,
    ignoresDocuments: true,
    examples: {
      blocks: [
        "/etc/passwd",
        "file:///etc/shadow",
        "php://filter/convert.base64-encode/resource=x",
        "C:\\windows\\win.ini",
        "gopher://127.0.0.1:6379/_x",
      ],
      passes: ["/etc/ is a folder", "PHP: a short course", "/home/images/a.png", "c:\\users list"],
    },
  },
];
