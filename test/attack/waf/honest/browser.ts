import { type CorpusRequest, formType, pick, random } from "../request.ts";
import { agents, emails, hosts, people, places, searches, sentences } from "./words.ts";

type Next = () => number;
const digits = (next: Next, length: number): string => Array.from({ length }, () => Math.floor(next() * 10)).join("");
const letters = (next: Next, length: number, alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"): string =>
  Array.from({ length }, () => pick(next, [...alphabet])).join("");
const base64 = (next: Next, length: number): string =>
  letters(next, length, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
export const base64url = (next: Next, length: number): string =>
  letters(next, length, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
const uuid = (next: Next): string =>
  [8, 4, 4, 4, 12].map((length) => letters(next, length, "0123456789abcdef")).join("-");
const q = encodeURIComponent;
const slug = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");

/** The cookies of a browser that has been around. */
function cookies(next: Next): string {
  const all = [
    `_ga=GA1.2.${digits(next, 9)}.${digits(next, 10)}`,
    `_gid=GA1.2.${digits(next, 9)}.${digits(next, 10)}`,
    `_fbp=fb.1.${digits(next, 13)}.${digits(next, 10)}`,
    `_ga_${letters(next, 10).toUpperCase()}=GS1.1.${digits(next, 10)}.3.1.${digits(next, 10)}.60.0.0`,
    `OptanonConsent=isGpcEnabled=0&datestamp=Tue+Oct+01+2024+10%3A00%3A00+GMT%2B0530+(India+Standard+Time)&version=6.33.0&hosts=&consentId=${uuid(next)}&groups=C0001%3A1%2CC0002%3A${next() < 0.5 ? 1 : 0}`,
    `AMCV_${letters(next, 24).toUpperCase()}%40AdobeOrg=179643557%7CMCIDTS%7C${digits(next, 5)}%7CMCMID%7C${digits(next, 38)}%7CMCAAMLH-${digits(next, 10)}%7C12%7CMCAID%7CNONE`,
    `session=${base64url(next, 43)}`,
    `csrftoken=${letters(next, 64)}`,
    `prefs=${q(JSON.stringify({ theme: "dark", lang: "en-IN", tz: "Asia/Kolkata", seen: [1, 2, 3] }))}`,
    `cart=${q(JSON.stringify([{ id: digits(next, 6), qty: 2, name: pick(next, people) }]))}`,
    `ajs_user_id=%22${uuid(next)}%22`,
    `intercom-session-${letters(next, 8)}=${base64(next, 60)}==--${letters(next, 40)}`,
    `__stripe_mid=${uuid(next)}${letters(next, 6)}`,
    `wordpress_logged_in_${letters(next, 32)}=${pick(next, ["admin", "editor"])}%7C${digits(next, 10)}%7C${letters(next, 43)}%7C${letters(next, 64)}`,
    `wp-settings-1=libraryContent%3Dbrowse%26editor%3Dtinymce%26hidetb%3D1`,
    `_hjSessionUser_${digits(next, 7)}=${Buffer.from(JSON.stringify({ id: uuid(next), created: 1700000000000, existing: true })).toString("base64")}`,
    `mp_${letters(next, 16)}_mixpanel=${q(JSON.stringify({ distinct_id: uuid(next), $device_id: uuid(next), $initial_referrer: "$direct", $user_id: 5 }))}`,
    `lastSearch=${q(pick(next, searches))}`,
    `amplitude_id_${letters(next, 10)}=${Buffer.from(JSON.stringify({ deviceId: uuid(next), userId: null, optOut: false })).toString("base64")}`,
    `token=eyJhbGciOiJIUzI1NiJ9.${base64url(next, 80)}.${base64url(next, 43)}`,
  ];
  const count = 1 + Math.floor(next() * 12);
  return Array.from({ length: count }, () => pick(next, all)).join("; ");
}

function headers(next: Next, more: Record<string, string> = {}): Record<string, string> {
  return {
    "User-Agent": pick(next, agents),
    Accept: pick(next, [
      "*/*",
      "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
      "application/json, text/plain, */*",
    ]),
    "Accept-Language": pick(next, ["en-IN,en;q=0.9,hi;q=0.8", "de-DE,de;q=0.7,en;q=0.3", "hi-IN"]),
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "sec-ch-ua": '"Chromium";v="139", "Not)A;Brand";v="99"',
    ...(next() < 0.6 ? { Cookie: cookies(next) } : {}),
    ...(next() < 0.5
      ? {
          Referer: `https://${pick(next, hosts)}/${slug(pick(next, sentences))}?q=${q(pick(next, searches))}&page=${digits(next, 1)}`,
        }
      : {}),
    ...more,
  };
}

type Shape = (next: Next) => Omit<CorpusRequest, "kind" | "seed">;
const get = (next: Next, target: string): ReturnType<Shape> => ({
  method: "GET",
  target,
  headers: headers(next),
  body: null,
});
const post = (next: Next, target: string, type: string, body: string): ReturnType<Shape> => ({
  method: "POST",
  target,
  headers: headers(next, { "Content-Type": type }),
  body,
});
const form = (pairs: Record<string, string>): string => new URLSearchParams(pairs).toString();

/** What browsers send to sites of all kinds. */
export const browserShapes: Readonly<Record<string, Shape>> = {
  page: (next) =>
    get(
      next,
      `/${slug(pick(next, sentences))}/${pick(next, ["", "index.php", "view.aspx", "amp/", "comments.html", `page/${digits(next, 2)}/`])}`,
    ),
  search: (next) =>
    get(
      next,
      `/search?q=${q(pick(next, searches)).replaceAll("%20", next() < 0.5 ? "+" : "%20")}&page=${digits(next, 1)}&sort=${pick(next, ["price_asc", "-created", "relevance"])}`,
    ),
  nextPage: (next) =>
    get(
      next,
      pick(next, [
        `/_next/static/chunks/pages/%5Bslug%5D-${letters(next, 16)}.js`,
        `/_next/data/${base64url(next, 21)}/en/${slug(pick(next, sentences))}.json?slug=${slug(pick(next, sentences))}`,
        `/_next/image?url=%2Fimages%2F${letters(next, 8)}.png&w=640&q=75`,
        `/_next/image?url=https%3A%2F%2F${pick(next, hosts)}%2Fa%2F${letters(next, 12)}.jpg%3Fv%3D${digits(next, 10)}%26w%3D1&w=1080&q=75`,
        `/_next/static/chunks/app/(marketing)/%5B...slug%5D/page-${letters(next, 16)}.js?dpl=dpl_${letters(next, 20)}`,
        `/${slug(pick(next, searches))}?_rsc=${letters(next, 5)}`,
      ]),
    ),
  analytics: (next) =>
    get(
      next,
      `/g/collect?v=2&tid=G-${letters(next, 10).toUpperCase()}&gtm=45je4${letters(next, 6)}&_p=${digits(next, 10)}&cid=${digits(next, 9)}.${digits(next, 10)}&ul=en-in&sr=1920x1080&dl=${q(`https://${pick(next, hosts)}/?q=${q(pick(next, searches))}`)}&dr=${q("https://www.google.com/")}&dt=${q(`${pick(next, sentences)} | ${pick(next, hosts)}`)}&en=page_view&ep.content=${q(pick(next, sentences))}&_et=${digits(next, 4)}`,
    ),
  pixel: (next) =>
    get(
      next,
      `/tr/?id=${digits(next, 15)}&ev=ViewContent&dl=${q(`https://${pick(next, hosts)}/p/${slug(pick(next, searches))}?ref=${q(pick(next, searches))}`)}&rl=&if=false&ts=${digits(next, 13)}&cd[content_name]=${q(pick(next, sentences))}&cd[value]=${digits(next, 3)}.00&cd[currency]=INR&cd[contents]=${q(JSON.stringify([{ id: digits(next, 5), quantity: 1 }]))}&sw=1920&sh=1080&v=2.9.156&r=stable&ec=1&o=4126&fbp=fb.1.${digits(next, 13)}.${digits(next, 9)}&it=${digits(next, 13)}&coo=false&rqm=GET`,
    ),
  redirect: (next) =>
    get(
      next,
      `/${pick(next, ["login", "out", "share", "oauth/authorize", "sso"])}?${pick(next, ["next", "url", "redirect_uri", "return_to", "u"])}=${q(`https://${pick(next, hosts)}/${slug(pick(next, sentences))}?a=${digits(next, 2)}&id=${digits(next, 4)}&type=${pick(next, ["x", "post"])}&sort=asc&date=${digits(next, 8)}#top`)}&state=${base64url(next, 32)}&response_type=code&client_id=${digits(next, 12)}&scope=openid%20profile%20email`,
    ),
  campaign: (next) =>
    get(
      next,
      `/?utm_source=${pick(next, ["google", "news_letter", "fb"])}&utm_medium=cpc&utm_campaign=${q(pick(next, sentences))}&utm_term=${q(pick(next, searches))}&gclid=${base64url(next, 60)}&fbclid=IwAR${base64url(next, 50)}`,
    ),
  api: (next) =>
    get(
      next,
      `/api/v2/${pick(next, ["products", "users", "orders"])}?${pick(next, [
        `filter[price][$gte]=${digits(next, 2)}&filter[price][$lte]=${digits(next, 3)}`,
        `fields=id,name,price&include=author,tags&page[number]=2&page[size]=20`,
        `ids[]=${digits(next, 3)}&ids[]=${digits(next, 3)}&ids[]=${digits(next, 3)}`,
        `$filter=${q(`Name eq 'O''Neil' and Age gt ${digits(next, 2)}`)}&$orderby=Name%20desc&$top=10&$select=Id,Name`,
        `q=${q(`status:open AND (priority:>3 OR label:"bug")`)}&n=${digits(next, 2)}`,
        `jql=${q(`project = "ABC" AND status in (Open, "In Progress") AND assignee = currentUser() ORDER BY created DESC`)}&maxResults=${digits(next, 2)}`,
        `where=${q(JSON.stringify({ status: "open", n: Number(digits(next, 3)) }))}&order=-createdAt`,
        `bbox=77.${digits(next, 3)},12.${digits(next, 3)},77.9,13.1&zoom=${digits(next, 1)}`,
        `from=2024-01-01T00:00:00%2B05:30&to=2024-02-01T00:00:00Z&step=${digits(next, 2)}m&query=${q('sum(rate(http_requests_total{job="api",code=~"5.."}[5m])) by (instance)')}`,
        `name=${q(pick(next, people))}&city=${q(pick(next, places))}`,
      ])}`,
    ),
  asset: (next) =>
    get(
      next,
      pick(next, [
        `/wp-content/plugins/elementor/assets/js/frontend.min.js?ver=3.${digits(next, 2)}.0`,
        `/wp-includes/js/jquery/jquery.min.js?ver=3.7.${digits(next, 1)}`,
        `/combo/?${letters(next, 6)}/a-min.js&${letters(next, 6)}/b-min.js`,
        `/css?family=Open+Sans:300,400,600%7CRoboto:400,700&display=swap&subset=latin-ext&v=${digits(next, 3)}`,
        `/css2?family=Inter:ital,wght@0,400;0,700;1,400&display=swap&text=${q(pick(next, people))}`,
        `/image/upload/c_fill,g_auto,h_${digits(next, 3)},w_970/b_rgb:000000,e_gradient_fade,y_-0.50/v${digits(next, 10)}/${slug(pick(next, people)) || "x"}.jpg`,
        `/cdn-cgi/rum?${letters(next, 8)}`,
        `/@vite/client?t=${digits(next, 13)}`,
        `/node_modules/.vite/deps/react.js?v=${letters(next, 8)}`,
        `/static/js/main.${letters(next, 8)}.chunk.js.map`,
        `/maps/vt?pb=!1m5!1m4!1i${digits(next, 2)}!2i${digits(next, 5)}!3i${digits(next, 5)}!4i256!2m3!1e0!2sm!3i${digits(next, 9)}!3m17!2sen!3sIN!5e18!12m4!1e68!2m2!1sset!2sRoadmap`,
      ]),
    ),
  wordpress: (next) =>
    post(
      next,
      "/wp-admin/admin-ajax.php",
      `${formType}; charset=UTF-8`,
      form(
        pick<Record<string, string>>(next, [
          {
            action: "heartbeat",
            _nonce: letters(next, 10),
            interval: "60",
            screen_id: "post",
            has_focus: "true",
            "data[wp-refresh-post-lock][post_id]": digits(next, 4),
            "data[wp-refresh-post-lock][lock]": `${digits(next, 10)}:1`,
          },
          { action: "wc_add_to_cart", product_id: digits(next, 4), quantity: "1", note: pick(next, sentences) },
          {
            action: "elementor_ajax",
            actions: JSON.stringify({
              save_builder: {
                action: "save_builder",
                data: {
                  status: "autosave",
                  elements: [
                    {
                      id: letters(next, 7),
                      elType: "section",
                      settings: { title: pick(next, sentences), _css: ".a > b { color: #fff; }" },
                    },
                  ],
                },
              },
            }),
            editor_post_id: digits(next, 4),
          },
          {
            action: "wpforms_submit",
            "wpforms[fields][1]": pick(next, people),
            "wpforms[fields][2]": pick(next, emails),
            "wpforms[fields][3]": pick(next, sentences),
            page_title: pick(next, sentences),
            page_url: `https://${pick(next, hosts)}/contact/`,
          },
          {
            action: "inline-save",
            post_type: "post",
            post_title: pick(next, sentences),
            content: `<p>${pick(next, sentences)}</p><!-- wp:image {"id":${digits(next, 3)},"sizeSlug":"large"} --><figure class="wp-block-image"><img src="https://${pick(next, hosts)}/a.jpg" alt=""/></figure><!-- /wp:image -->`,
          },
        ]),
      ),
    ),
  cmsForm: (next) =>
    post(
      next,
      "/node/add/article",
      formType,
      form({
        title: pick(next, sentences),
        "body[0][value]": `<h2 class="t">${pick(next, people)}</h2><p style="text-align:center">${pick(next, sentences)} <a href="https://${pick(next, hosts)}/?a=1&amp;b=2" target="_blank" rel="noopener">link</a></p><ul><li><strong>${pick(next, searches).replaceAll("<", "&lt;")}</strong></li></ul>${pick(next, ["", '<iframe width="560" height="315" src="https://www.youtube.com/embed/dQw4w9WgXcQ" frameborder="0" allowfullscreen></iframe>', '<table border="1"><tr><td>1</td></tr></table>', "<blockquote>x</blockquote><br /><hr>"])}`,
        "field_tags[und]": "news, school",
        form_build_id: `form-${base64url(next, 43)}`,
        op: "Save",
      }),
    ),
  contact: (next) =>
    post(
      next,
      "/contact",
      formType,
      form({
        name: pick(next, people),
        email: pick(next, emails),
        address: pick(next, places),
        subject: pick(next, searches),
        message: `${pick(next, sentences)}\r\n\r\n${pick(next, sentences)}\r\n${pick(next, people)}`,
      }),
    ),
  checkout: (next) =>
    post(
      next,
      "/checkout",
      formType,
      form({
        "billing[first_name]": pick(next, people),
        "billing[address_1]": pick(next, places),
        "billing[phone]": `+91 ${digits(next, 10)}`,
        "billing[email]": pick(next, emails),
        order_comments: pick(next, sentences),
        payment_method: "upi",
        _wp_http_referer: "/?wc-ajax=update_order_review",
        nonce: letters(next, 10),
      }),
    ),
  login: (next) =>
    post(
      next,
      "/login",
      formType,
      form({
        username: pick(next, emails),
        password: `${pick(next, ["p@ss", "It's", "Tr0ub4dor&3", "a+b=c!", "100%Me"])}${letters(next, 6)}#${digits(next, 2)}`,
        remember: "on",
        _token: base64(next, 40),
      }),
    ),
  upload: (next) =>
    post(
      next,
      "/upload",
      "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxk",
      `------WebKitFormBoundary7MA4YWxk\r\nContent-Disposition: form-data; name="caption"\r\n\r\n${pick(next, sentences)}\r\n------WebKitFormBoundary7MA4YWxk\r\nContent-Disposition: form-data; name="file"; filename="${pick(next, ["report.final.pdf", "photo.jpg", "class 7 'A'.csv", "resume (2).docx", "IMG_2024.HEIC", "notes.v1.2.txt", "दस्तावेज़.pdf"])}"\r\nContent-Type: application/octet-stream\r\n\r\n%PDF-1.4 ${base64(next, 200)}\r\n${pick(next, sentences)}\r\n------WebKitFormBoundary7MA4YWxk--\r\n`,
    ),
  soap: (next) =>
    post(
      next,
      "/ws",
      "text/xml; charset=utf-8",
      `<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><Add xmlns="urn:x"><Name>${pick(next, people)}</Name><Note>${pick(next, sentences).replace(/&/g, "&amp;").replace(/</g, "&lt;")}</Note><N>${digits(next, 4)}</N></Add></soap:Body></soap:Envelope>`,
    ),
};

export const browserRequests = (count: number): CorpusRequest[] => spreadShapes(browserShapes, count, "browser");

/** Draws `count` different requests of each shape. */
export function spreadShapes(shapes: Readonly<Record<string, Shape>>, count: number, prefix: string): CorpusRequest[] {
  return Object.entries(shapes).flatMap(([name, shape]) =>
    Array.from({ length: count }, (_, index) => {
      const kind = `${prefix}: ${name}`;
      const seed = `${index}`;
      return { kind, seed, ...shape(random(`${kind}:${seed}`)) };
    }),
  );
}
export type { Next, Shape };
export { digits, emails, headers, letters, people, places, post, searches, sentences, uuid };
