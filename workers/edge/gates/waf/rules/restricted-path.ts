import type { WafRule } from "../rule.ts";

/** Paths that this system never had and scanners always ask for: whoever asks is refused, and counted. */
export const restrictedPathRules: readonly WafRule[] = [
  {
    id: "restricted-dot-file",
    class: "restricted_path",
    severity: "critical",
    why: "a hidden file or folder that holds secrets or source",
    targets: ["path"],
    pattern:
      /\/\.(?:env|git|svn|hg|bzr|aws|ssh|docker|kube|npmrc|htaccess|htpasswd|ds_store|vscode|idea|bash_history|netrc|config)(?:$|[/._-])/,
    examples: {
      blocks: ["/.env", "/.git/config", "/api/.env.production", "/%2eenv", "/.aws/credentials"],
      passes: ["/.well-known/jwks.json", "/o/demo/environment"],
    },
  },
  {
    id: "restricted-application",
    class: "restricted_path",
    severity: "critical",
    why: "another product's administration",
    targets: ["path"],
    pattern:
      /\/wp-(?:admin|login|content|includes|json|config)(?:$|[/.])|^\/{1,2}(?:xmlrpc|phpmyadmin|pma|adminer|cgi-bin|server-status|server-info|actuator|solr|jenkins|manager\/html|vendor\/phpunit|telescope|_profiler|boaform|hnap1|owa|autodiscover|_ignition|etc\/(?:passwd|shadow)|proc\/self)(?:$|[/.])/,
    examples: {
      blocks: ["/wp-login.php", "/blog/wp-admin/", "/phpmyadmin/", "/actuator/env", "/cgi-bin/test", "/etc/passwd"],
      passes: ["/o/jenkins", "/o/solr/devices", "/o/wp-school"],
    },
  },
  {
    id: "restricted-extension",
    class: "restricted_path",
    severity: "critical",
    why: "a program or a left-over file; the dashboard's build makes none of these",
    targets: ["path"],
    pattern:
      /\.(?:php\d?|phtml|aspx?|ashx|jspx?|jspa|cgi|cfm|sql|bak|old|orig|swp|pem|key|ini|sqlite\d?|tar|tgz|gz|zip|rar|7z)(?:$|\/)/,
    examples: {
      blocks: ["/index.php", "/backup.sql", "/a/shell.jsp", "/site.tar.gz", "/id.pem"],
      passes: ["/assets/index-BX3k9_aQ.js", "/favicon.svg", "/assets/geist.woff2"],
    },
  },
];
