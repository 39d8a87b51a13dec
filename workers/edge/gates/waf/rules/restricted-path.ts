import type { WafRule } from "../rule.ts";

/** Paths that hold secrets or another product's weak spot, and that scanners always ask for: refused, and counted. */
export const restrictedPathRules: readonly WafRule[] = [
  {
    id: "restricted-dot-file",
    class: "restricted_path",
    severity: "critical",
    why: "a hidden file or folder that holds secrets or source",
    targets: ["path"],
    needs: ["."],
    sign: /[/\\]\.(?:env|git(?:ignore|modules|-credentials|lab-ci)?|svn|hg|bzr|cvs|aws|azure|ssh|docker(?:env|ignore|cfg)?|kube|npmrc|yarnrc|htaccess|htpasswd|ds_store|vscode|idea|bash_(?:history|profile)|bashrc|profile|netrc|pgpass|my\.cnf|config|gnupg|terraform|travis\.yml|circleci|sqlite|php_cs|viminfo|zsh_history|mysql_history|user\.ini|remote-sync|ftpconfig|s3cfg|boto|keys?|secrets?|credentials?|passwd)(?:$|[/._~-])/,
    examples: {
      blocks: ["/.env", "/.git/config", "/api/.env.production", "/%2eenv", "/.aws/credentials"],
      passes: ["/.well-known/jwks.json", "/o/demo/environment"],
    },
  },
  {
    id: "restricted-application",
    class: "restricted_path",
    severity: "critical",
    why: "an entrance of another product that is known for its holes",
    targets: ["path"],
    needs: ["/"],
    sign: /\/wp-config\b|\/wp-admin\/(?:setup-config|install)\.php|\/(?:phpmyadmin|pma|myadmin|mysqladmin|adminer|phppgadmin|sqlmanager|dbadmin|php-?info|_phpinfo|phpunit|eval-stdin|server-(?:status|info)|cgi-bin|hnap1|boaform|gponform|jmx-console|web-console|invoker|axis2|druid|_profiler|_ignition|telescope|actuator|heapdump|jolokia|solr\/(?:admin|[a-z_0-9]{1,20}\/(?:select|dataimport|config))|manager\/(?:html|text|status)|host-manager|admin-console|struts2?-|vendor\/(?:phpunit|composer)|ecp\/|autodiscover\/autodiscover|remote\/(?:fgt_lang|login)|dana-na|\+cscoe\+|tmui|mgmt\/tm|wls-wsat|_async\/asyncresponseservice|console\/(?:css|images)\/[%.]|console\.portal|webshell|c99|r57|wso|b374k|ckeditor\/filemanager|fckeditor|kcfinder|elfinder|phpmoadmin|hudson|script\/?$|setup\.cgi|goform|getcfg|ajaxterm|trace\.axd|elmah\.axd|web-inf|meta-inf|etc\/(?:passwd|shadow|hosts|group)|proc\/(?:self|version)|windows\/|winnt\/|system32|nacos\/v1|geoserver\/wfs|confluence\/pages\/createpage|_cat\/|_cluster|_nodes|_search\?|api\/jsonws|containers\/json|v2\/_catalog|\.\.%|storage\/logs|debug\/pprof|debug\/default|error_log|laravel\.log|xampp)(?:$|[/.?;%-])/,
    examples: {
      blocks: ["/phpmyadmin/", "/actuator/env", "/cgi-bin/test", "/etc/passwd", "/vendor/phpunit/x", "/server-status"],
      passes: ["/o/jenkins", "/o/solr/devices", "/wp-admin/admin-ajax.php", "/wp-json/wp/v2/posts"],
    },
  },
  {
    id: "restricted-extension",
    class: "restricted_path",
    severity: "critical",
    why: "a left-over copy, a key or a dump",
    targets: ["path"],
    needs: [],
    sign: /\.(?:sql|bak|backup|old|orig|swp|swo|pem|key|pfx|p12|kdbx|sqlite\d?|mdb|dump|tfstate|inc|log|ini|cfg|conf|htpasswd|rdb|ovpn|ppk|jks|keystore)(?:$|\/|\.(?:gz|zip|bz2))|\.(?:php|aspx?|jsp|js|json|html|yml|xml)(?:~|\.(?:bak|old|save|swp|orig|txt|dist|1|zip|gz))$|\/(?:backup|dump|db|database|www|site|web|public_html|htdocs|wwwroot|data|sql|source|src|code)\.(?:zip|tar|tgz|tar\.gz|gz|rar|7z|bz2)$|\/(?:id_rsa|id_dsa|id_ed25519|docker-compose\.ya?ml|dockerfile|composer\.(?:lock|phar)|credentials\.(?:json|csv|xml)|secrets?\.(?:json|ya?ml)|wp-config\.(?:txt|php.{1,8})|config\.(?:php|ya?ml|inc)|settings\.py|localsettings\.php|web\.config|phpinfo|info\.php|test\.php|shell|adminer\.php|install\.php|database\.ya?ml|parameters\.yml)(?:$|\.php$)/,
    examples: {
      blocks: ["/backup.sql", "/site.tar.gz", "/id.pem", "/index.php.bak", "/.x/web.config"],
      passes: ["/assets/index-BX3k9_aQ.js", "/favicon.svg", "/assets/geist.woff2", "/index.php", "/shop/cart.aspx"],
    },
  },
];
