import type { WafRule } from "../rule.ts";

const operators =
  "ne|gt|gte|lt|lte|in|nin|regex|exists|not|or|and|nor|eq|all|size|type|mod|elemmatch|where|expr|function|jsonschema|text|search|options|comment|slice|accumulator|lookup|out|merge";

/** Signs of operators of document databases. They mean something as keys only; in a value `$ne` is a word. */
export const nosqlInjectionRules: readonly WafRule[] = [
  {
    id: "nosql-code-key",
    class: "nosql_injection",
    severity: "critical",
    why: "a key whose value the database would run",
    targets: ["body_key", "query_name"],
    needs: ["$"],
    sign: /(?:[.[]|^)\$(?:where|expr|function|accumulator|jsonschema|mapreduce|eval)(?:$|[.\]])/,
    examples: { blocks: ["$where", "user[$where]", "$function"], passes: ["where", "$set", "$browser"] },
  },
  {
    id: "nosql-credential-operator",
    class: "nosql_injection",
    severity: "critical",
    why: "an operator where a name, a password or an identifier is expected",
    targets: ["body_key", "query_name"],
    needs: ["$"],
    sign: /(?:(?:user(?:_?name)?|pass(?:word|wd)?|pwd|login|e?mail|token|otp|secret|pin|auth)\]?|^(?:body\.)?(?:id|name|code|key))[.[]\$(?:ne|gte?|lte?|nin|regex|exists|not)(?:$|[.\][])/,
    examples: {
      blocks: ["password[$ne]", "user[$regex]", "login.password.$gt"],
      passes: ["filters[price][$gt]", "password", "$id"],
    },
  },
  {
    id: "nosql-operator",
    class: "nosql_injection",
    severity: "error",
    why: "a query operator as a key",
    targets: ["body_key", "query_name"],
    needs: ["$"],
    sign: /(?:[.[]|^)\$(?:ne|gt|gte|lt|lte|nin|regex|exists|not|or|and|nor|elemmatch)(?:$|[.\]])/,
    examples: { blocks: ["password[$ne]"], passes: ["age[$gt]", "filters[age][$lte]", "$lib"] },
  },
  {
    id: "nosql-trivial-operand",
    class: "nosql_injection",
    severity: "critical",
    why: "an operator compared to nothing or anything: everything matches",
    targets: ["body_key"],
    needs: ["$", ":"],
    sign: /(?:[.[]|^)\$(?:(?:ne|nin): (?:""|null|-?[01]\b|"undefined"|\[\]|"\w{1,12}")|(?:gte?|lte?): (?:""|null|"undefined")|exists: |regex: "(?:[.^]|\(|\w{0,3}[.*^]))/,
    examples: { blocks: ['body.q.$gt: ""', "query.a.$ne: null"], passes: ["body.price.$gt: 5", "body.a.$set: 1"] },
  },
  {
    id: "nosql-in-text",
    class: "nosql_injection",
    severity: "critical",
    why: "a literal ends and script of a document database follows, or a query object stands in the text",
    targets: ["query_value", "body_value", "cookie", "header"],
    needs: ["$'\";{[(", ":|=(]"],
    sign: new RegExp(
      `;\\s?return\\s(?:true|false|1)\\b|\\bdo\\s?\\{[^}]{0,80}\\}\\s?while\\s?\\(|;\\s?(?:var\\s)?[a-z]{1,12}\\s?=\\s?new\\sdate\\(\\);|[{,]\\s?["']?\\$(?:${operators})["']?\\s?:|\\[\\$(?:ne|gt|lt|gte|lte|nin|regex|where|exists)\\]|['"]\\s?(?:\\|\\||&&)\\s?(?:this\\.|['"]?\\d{0,4}['"]?\\s?={1,3}|['"]\\s?['"]?\\s?={2,3}|true)|['"}];?\\s?return\\s?\\(?(?:true|this|\\d|'|"|!)|\\bdb\\.(?:[a-z_]{1,30}\\.(?:find|insert|drop|remove|update|count)|getcollectionnames|dropdatabase|version|injection)\\s?\\(|\\bthis\\.[a-z_]{1,20}\\.match\\s?\\(|;\\s?(?:while|for)\\s?\\(\\s?(?:true|1|;)|\\bsleep\\(\\d{3,6}\\)\\s?(?:;|\\|\\||&&)|^\\$where\\b|,\\s?\\$where\\s?:|\\btobsonid\\b|\\bmapreduce\\s?:`,
    ),
    ignoresDocuments: true,
    examples: {
      blocks: [
        "{$gt: ''}",
        "' || this.password.match(/.*/)//",
        "'; return true; var x='",
        "true, $where: '1 == 1'",
        "' || '1'=='1",
      ],
      passes: ["{$set: x}", "'a' || b", "return (true) to sender", "It costs {$5}"],
    },
  },
];
