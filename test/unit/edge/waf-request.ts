import type { WafRequest } from "../../../workers/edge/gates/waf/collect.ts";
import type { WafTarget } from "../../../workers/edge/gates/waf/rule.ts";

const empty: WafRequest = { rawPath: "/", rawQuery: null, headers: new Headers(), body: null, exemptions: [] };

/** Keeps the text in one query name or value without decoding what is already encoded in it. */
const inQuery = (text: string): string =>
  text.replaceAll("&", "%26").replaceAll("=", "%3d").replaceAll("+", "%2b").replaceAll("#", "%23");

/** A request that carries one text in one place; null when no client can send it there. */
export function requestWith(target: WafTarget, text: string): WafRequest | null {
  switch (target) {
    case "path":
      return text.startsWith("/") ? { ...empty, rawPath: text } : null;
    case "query_name":
      return { ...empty, rawQuery: `${inQuery(text)}=1` };
    case "query_value":
      return { ...empty, rawQuery: `a=${inQuery(text)}` };
    case "body_key":
      return { ...empty, body: { kind: "json", value: JSON.parse(`{${JSON.stringify(text)}:1}`) } };
    case "body_value":
      return { ...empty, body: { kind: "json", value: { title: [text] } } };
    case "file_name":
      return { ...empty, body: { kind: "multipart", parts: [{ name: "f", fileName: text, content: "x" }] } };
    case "file_content":
      return { ...empty, body: { kind: "multipart", parts: [{ name: "f", fileName: "a.txt", content: text }] } };
    case "header":
      return withHeader("X-Custom", text);
    case "user_agent":
      return withHeader("User-Agent", text);
    case "referer":
      return withHeader("Referer", text);
    case "cookie":
      return text.includes(";") ? null : withHeader("Cookie", `theme=dark; c=${text}`);
  }
}

function withHeader(name: string, text: string): WafRequest | null {
  try {
    return { ...empty, headers: new Headers({ [name]: text }) };
  } catch {
    return null;
  }
}
