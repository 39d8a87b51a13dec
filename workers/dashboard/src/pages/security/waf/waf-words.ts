import type { wafActions, wafFields, wafModes, wafOperators, wafSensitivities } from "../../../api/waf.ts";

type Names<T extends readonly string[]> = Readonly<Record<T[number], string>>;

export const modeNames: Names<typeof wafModes> = { block: "Refuse", log: "Only log" };
export const sensitivityNames: Names<typeof wafSensitivities> = { low: "Low", normal: "Normal", high: "High" };
export const sensitivityMeanings: Names<typeof wafSensitivities> = {
  low: "A sure sign needs another beside it. Fewer mistakes, and more attacks pass.",
  normal: "One sure sign is enough, or two weaker ones in one text.",
  high: "One strong sign is enough. More attacks are stopped, and more mistakes made.",
};
export const actionNames: Names<typeof wafActions> = { block: "Refuse", log: "Only log", skip: "Let pass" };
export const fieldNames: Names<typeof wafFields> = {
  endpoint: "Endpoint",
  path: "Path",
  query: "Whole query",
  query_value: "Query value",
  header: "Header",
  cookie: "Cookie",
  body: "Text in the body",
  user_agent: "User-Agent",
  referer: "Referer",
  method: "Method",
  country: "Country",
  asn: "Operator's number",
  ip: "Address or network",
};
export const operatorNames: Names<typeof wafOperators> = {
  equals: "is",
  contains: "contains",
  starts_with: "begins with",
  ends_with: "ends with",
  matches: "matches the pattern",
  in: "is one of",
  exists: "is there",
};
export const outcomeNames: Readonly<Record<"pass" | "log" | "block", string>> = {
  block: "Refused",
  log: "Logged",
  pass: "Passed",
};
