// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are the text
import {
  base64url,
  browserRequests,
  digits,
  emails,
  headers,
  letters,
  type Next,
  people,
  places,
  post,
  type Shape,
  searches,
  sentences,
  spreadShapes,
  uuid,
} from "./honest/browser.ts";
import { documents } from "./honest/documents.ts";
import { type CorpusRequest, pick } from "./request.ts";

const json = (next: Next, target: string, value: unknown): ReturnType<Shape> =>
  post(next, target, "application/json", JSON.stringify(value));
const number = (next: Next, max: number): number => Math.floor(next() * max);
const snippets = [
  "function add(a, b) { return a + b; }",
  "const items = list.filter((x) => x.id !== id && x.n > 3);",
  ".btn:hover{color:#fff;background:rgba(0,0,0,.5)}",
  "SELECT name FROM schools WHERE city = 'Pune'",
  "SELECT id, title FROM lessons ORDER BY title",
  'git commit -m "it\'s done"',
  "npm run build",
  "for (let i = 0; i < 10; i++) console.log(i);",
  "if (a == 'x' or b == 'y'): pass",
  'print(f"{name!r}: {value:>10.2f}")',
  "Hello {{ user.first_name }}, your code is {{code}}",
  "Dear ${name}, total: ${price * count}",
  "{% if user %}Hi {{ user.name }}{% endif %}",
  "| id | name |\n|----|------|\n| 1 | x |",
  "- [ ] fix `parse()`\n- [x] don't use `eval`",
  "![logo](../images/logo.png) and [docs](./docs/README.md)",
  "x = (-b ± √(b² - 4ac)) / 2a",
  "^[a-z0-9._%+-]+@[a-z0-9.-]+\\.[a-z]{2,}$",
  "\\d{3}-\\d{4}|\\(\\d{3}\\)",
  "0 5 * * 1-5",
  "*/15 * * * *",
  "key=value; other=2; path=/tmp",
  "192.168.1.10/24 via 192.168.1.1",
  "Error: Cannot find module './x' at Object.<anonymous> (/app/index.js:1:7)",
  "TypeError: undefined is not a function\n    at foo (app.js:10:5)\n    at async Promise.all (index 0)",
  "commit a1b2c3: drop support for node 16; select faster parser",
  "1. Open the app\n2. Select \"Devices\"\n3. Press 'Add' & wait",
  "<p>Hello <b>world</b></p>",
  '<div class="card"><img src="/a.png" alt="A"></div>',
  "a <- c(1, 2, 3); mean(a)",
  "$ sentinel-agent --name lab-1",
  "C:\\Program Files\\App\\app.exe /quiet",
  "/home/images/cover.png",
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
  "https://school.example/login?next=/dashboard&lang=en#top",
  "http://localhost:3000/callback?code=abc",
  "mailto:o'brien@school.example?subject=Hi&body=Dear%20sir",
  "tel:+91-98765-43210",
  "UTF-8; charset=utf-8",
  "#hashtag @mention :emoji:",
  "Q: x or y? A: x, not y (z = 1)",
];

/** What programs send to an API. */
const apiShapes: Readonly<Record<string, Shape>> = {
  telemetry: (next) =>
    json(next, "/api/v1/ingest", {
      device: `dev_${letters(next, 20)}`,
      at: `2024-05-0${1 + number(next, 8)}T10:${10 + number(next, 49)}:00.000Z`,
      cpu: { load: next(), cores: 4, model: "Intel(R) Core(TM) i5-8250U CPU @ 1.60GHz" },
      memory: { total: 8_000_000_000, used: number(next, 8_000_000_000) },
      disks: [
        { mount: pick(next, ["/", "C:\\", "/mnt/data"]), used: number(next, 100) },
        { mount: "D:\\Users\\Public", used: 3 },
      ],
      os: pick(next, ["Windows 11 Pro (23H2)", "Ubuntu 24.04.1 LTS", "Android 14; Build/UP1A"]),
      processes: [
        {
          name: pick(next, ["chrome.exe", "bash", "node server.js --port=3000", "C:\\Windows\\explorer.exe"]),
          cpu: next(),
        },
      ],
      errors: next() < 0.3 ? ["ECONNREFUSED 127.0.0.1:5432", "ENOENT: no such file or directory, open '/tmp/x'"] : [],
    }),
  document: (next) =>
    json(next, "/api/v1/orgs/demo/documents", {
      title: pick(next, sentences),
      body: `${pick(next, documents)}\n${pick(next, sentences)}\n`,
      tags: [pick(next, searches)],
    }),
  comment: (next) =>
    json(next, "/api/comments", {
      text: `${pick(next, sentences)} ${pick(next, sentences)}`,
      author: pick(next, people),
      replyTo: number(next, 1000),
    }),
  snippet: (next) =>
    json(next, "/api/snippets", {
      language: pick(next, ["js", "sql", "css"]),
      code: pick(next, snippets),
      note: pick(next, sentences),
      n: number(next, 1000),
    }),
  person: (next) =>
    json(next, "/api/people", {
      name: pick(next, people),
      email: pick(next, emails),
      address: pick(next, places),
      phone: `+91 ${digits(next, 10)}`,
      notes: pick(next, sentences),
      birthday: "2001-02-03",
    }),
  graphql: (next) =>
    json(next, "/graphql", {
      operationName: "GetItems",
      query: pick(next, [
        'query GetItems($first: Int!, $after: String) { items(first: $first, after: $after, where: {name: {_ilike: "%a%"}}) { edges { node { id name ...F } } pageInfo { hasNextPage } } } fragment F on Item { price }',
        "mutation Add($input: AddInput!) { add(input: $input) { ok errors { message } } }",
        "{ user(id: 5) { name posts(orderBy: {created: desc}) { title } } }",
        "subscription { changed(filter: {or: [{a: 1}, {b: 2}]}) { id } }",
      ]),
      variables: {
        first: number(next, 100),
        after: base64url(next, 24),
        input: { name: pick(next, people), text: pick(next, sentences) },
      },
    }),
  stripe: (next) =>
    json(next, "/api/v1/billing/webhook", {
      id: `evt_${letters(next, 24)}`,
      object: "event",
      api_version: "2024-06-20",
      created: 1700000000 + number(next, 1e6),
      type: "invoice.payment_succeeded",
      data: {
        object: {
          id: `in_${letters(next, 24)}`,
          customer_name: pick(next, people),
          customer_email: pick(next, emails),
          description: pick(next, sentences),
          hosted_invoice_url: `https://invoice.stripe.com/i/acct_${letters(next, 16)}/test_${base64url(next, 60)}?s=ap`,
          lines: {
            data: [{ description: `1 × Plan (at ₹${digits(next, 3)}.00 / month)`, amount: number(next, 99999) }],
          },
        },
      },
      request: { id: null, idempotency_key: uuid(next) },
    }),
  github: (next) =>
    json(next, "/hooks/github", {
      ref: "refs/heads/main",
      before: letters(next, 40, "0123456789abcdef"),
      commits: [
        {
          id: letters(next, 40, "0123456789abcdef"),
          message: `${pick(next, ["fix: don't", "feat: select", "chore: drop"])} ${pick(next, searches)}\n\nCo-authored-by: ${pick(next, people)} <x@users.noreply.github.com>`,
          url: `https://github.com/a/b/commit/${letters(next, 40, "0123456789abcdef")}`,
          modified: ["src/../a.ts", "docs/select.md", "test/union_test.go"],
        },
      ],
      compare: `https://github.com/a/b/compare/${letters(next, 12)}...${letters(next, 12)}`,
      repository: {
        full_name: "a/b",
        html_url: "https://github.com/a/b",
        archive_url: "https://api.github.com/repos/a/b/{archive_format}{/ref}",
        contents_url: "https://api.github.com/repos/a/b/contents/{+path}",
      },
      pusher: { name: pick(next, people), email: pick(next, emails) },
    }),
  chat: (next) =>
    json(next, "/api/v1/orgs/demo/llm/chat/completions", {
      model: "gpt-4o-mini",
      stream: true,
      messages: [
        { role: "system", content: "You are a helpful assistant; answer in the user's language." },
        {
          role: "user",
          content: `${pick(next, ["Explain this", "Why doesn't this work", "Translate", "Review"])}: ${pick(next, snippets)} -- ${pick(next, sentences)}`,
        },
      ],
    }),
  analyticsBatch: (next) =>
    post(
      next,
      "/v1/batch",
      pick(next, ["application/json", "text/plain;charset=UTF-8"]),
      JSON.stringify({
        batch: [
          {
            type: "track",
            event: pick(next, sentences),
            properties: {
              $current_url: `https://a.example/${digits(next, 3)}?q=${encodeURIComponent(pick(next, searches))}`,
              $browser: "Chrome",
              $set: { plan: "pro" },
              $lib: "web",
              title: `${pick(next, sentences)} | Home`,
              path: "/a/b",
              selector: "div#app > ul.list > li:nth-child(2) > a",
            },
            anonymousId: uuid(next),
            timestamp: "2024-05-01T10:00:00.000Z",
          },
        ],
        sentAt: "2024-05-01T10:00:01.000Z",
      }),
    ),
  sentry: (next) =>
    post(
      next,
      "/api/123/envelope/",
      "text/plain;charset=UTF-8",
      `{"event_id":"${letters(next, 32, "0123456789abcdef")}","sent_at":"2024-05-01T10:00:00.000Z","sdk":{"name":"sentry.javascript.react","version":"7.120.0"}}\n{"type":"event"}\n${JSON.stringify({ exception: { values: [{ type: "TypeError", value: pick(next, ["Cannot read properties of null (reading 'id')", "x is not a function", "Failed to fetch"]), stacktrace: { frames: [{ filename: "app:///_next/static/chunks/main.js", function: "HTMLButtonElement.<anonymous>", lineno: number(next, 900), in_app: true }] } }] }, request: { url: "https://a.example/?q=1" }, breadcrumbs: [{ category: "ui.click", message: "button.btn > span" }] })}`,
    ),
  settings: (next) =>
    json(next, "/api/settings", {
      theme: "dark",
      css: pick(next, [".a{b:c}", "body > p:first-child::before { content: '»'; }"]),
      template: pick(next, [
        "Hi {{name}},\n\nYour order {{ order.id }} is ready.\n",
        "{% for i in items %}{{ i }}{% endfor %}",
      ]),
      cron: pick(next, ["0 5 * * *", "*/5 * * * 1-5"]),
      regex: pick(next, ["^[A-Z]{2}\\d+$", "(foo|bar)+"]),
      math: pick(next, ["a+b=c", "2*(3+4)"]),
      n: number(next, 1e6),
    }),
  jwt: (next) =>
    json(next, "/api/v1/auth/refresh", {
      refresh_token: `eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9.eyJzdWIi${base64url(next, 120)}.${base64url(next, 86)}`,
      nonce: base64url(next, 16),
      challenge: `${base64url(next, 40)}==`,
    }),
  csv: (next) =>
    post(
      next,
      "/api/import",
      "text/csv",
      `id;name;email;remarks\n${Array.from({ length: 12 }, () => `${digits(next, 4)};${pick(next, people)};${pick(next, emails)};"${pick(next, sentences).replaceAll('"', '""')}"`).join("\n")}\n`,
    ),
  logs: (next) =>
    json(next, "/api/logs", {
      lines: Array.from(
        { length: 6 },
        () =>
          `2024-05-01T10:0${number(next, 9)}:00Z ${pick(next, ["INFO", "WARN", "ERROR"])} ${pick(next, ["GET /api?id=5&sort=asc 200", "connect ECONNREFUSED 127.0.0.1:6379", "user O'Brien logged in from 10.0.0.5", "cron: job 'backup' done; 3 files", "SELECT took 120 ms", "cache miss key=user:5|lang:en", "open /etc/app/config.yml: no such file", "worker exited (code=0, signal=null)"])}`,
      ),
    }),
  quickSearch: (next) => ({
    method: "GET",
    target: `/api/search?q=${encodeURIComponent(pick(next, next() < 0.5 ? searches : sentences))}&limit=${digits(next, 2)}&who=${encodeURIComponent(pick(next, people))}`,
    headers: headers(next),
    body: null,
  }),
};

/** Every honest text once in each of the places where one stands. */
const texts: readonly CorpusRequest[] = [...sentences, ...searches, ...people, ...places, ...snippets].flatMap(
  (seed) => {
    const plain = { "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0" };
    return [
      { kind: "text", seed, method: "GET", target: `/?q=${encodeURIComponent(seed)}`, headers: plain, body: null },
      {
        kind: "text",
        seed,
        method: "POST",
        target: "/api/x",
        headers: { ...plain, "Content-Type": "application/json" },
        body: JSON.stringify({ title: seed, n: 1 }),
      },
      {
        kind: "text",
        seed,
        method: "POST",
        target: "/x",
        headers: { ...plain, "Content-Type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams({ text: seed, ok: "1" }).toString(),
      },
      {
        kind: "text",
        seed,
        method: "GET",
        target: "/",
        headers: { ...plain, Cookie: `last=${encodeURIComponent(seed)}; a=b` },
        body: null,
      },
    ];
  },
);

const wholeDocuments: readonly CorpusRequest[] = documents.map((seed) => ({
  kind: "document",
  seed,
  method: "PUT",
  target: "/api/v1/orgs/demo/documents/doc_1",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ body: seed }),
}));

/** Every honest request: shapes by hand, filled with words that look like something. */
export const honest: readonly CorpusRequest[] = [
  ...browserRequests(90),
  ...spreadShapes(apiShapes, 90, "api"),
  ...texts,
  ...wholeDocuments,
];
