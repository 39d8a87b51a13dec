import { freeText, type WafRule } from "../rule.ts";

const names = [...freeText, "query_name", "body_key"] as const;

/**
 * Signs of SQL injection. They look for structure (a quote that ends a literal, an operator, an operand)
 * because its words alone are English: select, union, order, drop.
 */
export const sqlInjectionRules: readonly WafRule[] = [
  {
    id: "sqli-union-select-list",
    class: "sql_injection",
    severity: "critical",
    why: "UNION SELECT before something that can only be a select list",
    targets: names,
    pattern:
      /\bunion(?:\s(?:all|distinct))?\s?\(?\s?select\s?\(?\s?(?:null\b|\d{1,10}\s?(?:,|--|#|;|\)|$|from\b)|'[^']{0,40}'|"[^"]{0,40}"|\*|@@|[a-z_]{1,30}\()/,
    examples: {
      blocks: [
        "1 UNION SELECT null,null--",
        "0 UnIoN/**/SeLeCt * from users",
        "x /*!50000UNION*/ /*!50000SELECT*/ 1,2,3",
        "-1 union select @@version",
      ],
      passes: ["Trade union select committee report", "The union selects 12 delegates", "Union select 5 members"],
    },
  },
  {
    id: "sqli-union-columns",
    class: "sql_injection",
    severity: "critical",
    why: "UNION SELECT of two or more columns from a table",
    targets: names,
    pattern: /\bunion\s(?:all\s|distinct\s)?select\s[a-z_.]{1,40}(?:\s?,\s?[a-z_.]{1,40}){1,20}\sfrom\s[a-z_."]{1,60}/,
    examples: {
      blocks: ["x UNION SELECT email, password FROM users"],
      passes: ["Student union: select a president from four candidates"],
    },
  },
  {
    id: "sqli-union-after-value",
    class: "sql_injection",
    severity: "critical",
    why: "a literal ends and UNION SELECT follows",
    targets: names,
    pattern: /(?:['"`)]|\b\d{1,10})\s?\)?\s?union\s(?:all\s|distinct\s)?\(?\s?select\b/,
    examples: {
      blocks: ["' UNION SELECT password FROM users", "7) union all select name from members"],
      passes: ["The 'Union' select team", "Teachers' union: please select"],
    },
  },
  {
    id: "sqli-tautology-literal",
    class: "sql_injection",
    severity: "critical",
    why: "a quote ends a literal, then a boolean operator, then two literals compared",
    targets: names,
    pattern:
      /['"`][\s)]{0,4}(?:or|and|xor|having|\|\||&&)[\s(!~+-]{0,6}(?:'[^']{0,32}'|"[^"]{0,32}"|-?\d{1,12})\s?(?:=|<|>|!=|like\s?['"]|in\s?\(|between\s\d)/,
    examples: {
      blocks: ["' OR 1=1", "' or '1'='1", '" or "a"="a', "') OR ('x'='x", "x' || 1=1 --", "%27%20oR%20%271%27%3D%271"],
      passes: ["O'Brien or O'Neil", 'He said "yes" or "no" is fine', "'tea' and 'coffee' for 12"],
    },
  },
  {
    id: "sqli-tautology-number",
    class: "sql_injection",
    severity: "critical",
    why: "OR/AND and a number equal to itself: nobody needs to say that",
    targets: names,
    pattern: /\b(?:or|and)[\s(]{1,3}(\d{1,10})\s?=\s?\1\b/,
    examples: {
      blocks: ["1 OR 1=1", "1) or (7=7", "id=3 and 1=1"],
      passes: ["If 2 and 2 = 4, what is 3 and 3?", "A=1 or B=1", "Rooms 1 and 1=2"],
    },
  },
  {
    id: "sqli-tautology-word",
    class: "sql_injection",
    severity: "warning",
    why: "a literal ends and a boolean operator is applied to a name, a call or a subquery",
    targets: names,
    pattern:
      /(?:['"`]|\b\d{1,10})[\s)]{0,4}(?:or|and|xor|\|\||&&)[\s(!]{1,6}(?:true\b|false\b|select\b|[a-z_.]{1,32}\s?(?:=|<|>|\(|like\s?'|is\s(?:not\s)?null))/,
    examples: {
      blocks: ["' or true--", "1 AND SLEEP(5)", "x' AND email IS NULL; --"],
      passes: ["'this' and that = both", "Grade 5 and age > 10", "Hall 2 or lab(3)"],
    },
  },
  {
    id: "sqli-comment-after-quote",
    class: "sql_injection",
    severity: "critical",
    why: "a quote ends a literal and a comment swallows the rest of the statement",
    targets: names,
    pattern: /['"`]\)?\s?(?:--[\s-]?|#|;\s?--\s?)$/,
    examples: {
      blocks: ["admin'--", "admin' #", "x') -- ", 'root";--'],
      passes: ["'Hello' -- and welcome", "class 'C' #3"],
    },
  },
  {
    id: "sqli-comment-trailing",
    class: "sql_injection",
    severity: "warning",
    why: "ends in a comment opener",
    targets: names,
    pattern: /(?:--|\/\*)[\s-]?$|;\s?--/,
    examples: { blocks: ["1' or sleep(2) --"], passes: ["To be continued --", "Room 4 /*"] },
  },
  {
    id: "sqli-stacked",
    class: "sql_injection",
    severity: "critical",
    why: "a second statement after a semicolon",
    targets: names,
    pattern:
      /;\s?(?:drop\s(?:table|database|schema|user|role|view)\s(?:if\sexists\s)?["a-z0-9_.]{1,60}\s?(?:;|--|#|$|cascade)|truncate\stable\s|alter\s(?:table|user|role|system|database)\s["a-z0-9_.]{1,60}\s(?:add|drop|set|rename|with|owner)\b|create\s(?:user|role|extension|function)\s|insert\sinto\s["a-z0-9_.]{1,60}\s?(?:\(|values\b|select\b)|delete\sfrom\s["a-z0-9_.]{1,60}\s?(?:;|--|$|where\b)|update\s["a-z0-9_.]{1,60}\sset\s["a-z0-9_.]{1,60}\s?=|exec(?:ute)?\s(?:xp_|sp_|immediate|master)|copy\s.{1,80}\s(?:to|from)\sprogram|shutdown\swith\snowait|select\s(?:pg_sleep|\*))/,
    examples: {
      blocks: [
        "1; DROP TABLE users",
        "x'; delete from devices;--",
        "1;update users set role='owner'",
        "1; copy t from program 'id'",
      ],
      passes: ["First cricket; drop table tennis from the list", "Read the notes; update me", "How to use DROP TABLE"],
    },
  },
  {
    id: "sqli-function",
    class: "sql_injection",
    severity: "critical",
    why: "functions that read files, wait or run programs inside a database",
    targets: names,
    pattern:
      /\b(?:pg_sleep|pg_read_file|pg_ls_dir|lo_import|dblink|sp_executesql|sp_oacreate|receive_message|dbms_lock\.sleep|utl_http\.request|get_host_address|load_file|extractvalue|updatexml|randomblob)\s?\(|\bbenchmark\s?\(\s?\d{3,12}\s?,\s?[a-z_0-9]{1,30}\s?\(|\bxp_cmdshell\b|\bwaitfor\sdelay\s?'|\binto\s(?:out|dump)file\s?['"]/,
    examples: {
      blocks: ["1;WAITFOR DELAY '0:0:5'", "pg_sleep(10)", "(select load_file('/x'))", "benchmark(5000000,md5(1))"],
      passes: ["Benchmark (2024, second run)", "Wait for delay in the bus", "Load file (PDF)"],
    },
  },
  {
    id: "sqli-function-common",
    class: "sql_injection",
    severity: "warning",
    why: "functions that injections use and honest text may quote",
    targets: names,
    pattern:
      /\b(?:sleep|substring|substr|ascii|concat|concat_ws|group_concat|char|chr|version|current_user|database|if)\s?\(/,
    examples: {
      blocks: ["1 AND SLEEP(5)", "' or ascii(substr(x,1,1))>64"],
      passes: ["call sleep(5) to wait", "Version (final)", "user if(you) can"],
    },
  },
  {
    id: "sqli-catalogue",
    class: "sql_injection",
    severity: "error",
    why: "the system catalogue, where injections look for tables",
    targets: names,
    pattern:
      /\b(?:information_schema\.|pg_catalog\.|pg_(?:user|shadow|authid|roles|tables|database)\b|sqlite_master\b|sys\.(?:tables|objects|databases|columns)\b|mysql\.user\b)|@@(?:version|hostname|datadir)/,
    examples: {
      blocks: ["select table_name from information_schema.tables"],
      passes: ["What is information_schema.tables?"],
    },
  },
  {
    id: "sqli-select-from",
    class: "sql_injection",
    severity: "warning",
    why: "a select list and a table",
    targets: names,
    pattern: /\bselect\s[a-z0-9_.*,\s()'"@|]{1,120}?\sfrom\s[a-z_."]{1,60}/,
    examples: {
      blocks: ["(select passwd from pg_shadow limit 1)"],
      passes: ["Select items from the menu", "Colour (select one from the list)"],
    },
  },
  {
    id: "sqli-subselect",
    class: "sql_injection",
    severity: "error",
    why: "a whole query in brackets",
    targets: names,
    pattern:
      /\(\s?select\s[^;]{1,120}?\sfrom\s[a-z_."]{1,60}\s?(?:where\s["a-z_.]{1,40}\s?(?:=|<|>|like\b|in\s?\()|limit\s\d|order\sby\s)/,
    examples: {
      blocks: ["(SELECT password FROM users WHERE id=1)"],
      passes: ["(select one from the list where possible)"],
    },
  },
  {
    id: "sqli-order-by",
    class: "sql_injection",
    severity: "critical",
    why: "a literal ends and ORDER BY a column number follows: counting columns",
    targets: names,
    pattern: /['"`]\)?\s?(?:order|group)\sby\s\d{1,3}\b/,
    examples: {
      blocks: ["1' ORDER BY 10--", "x') group by 3 --"],
      passes: ["Please order by 10 March", "Sort 'A' items, order by date"],
    },
  },
];
