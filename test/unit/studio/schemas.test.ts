import { z } from "@hono/zod-openapi";
import { describe, expect, it } from "vitest";
import { routes } from "../../../core/routes.ts";
import { fieldErrors, findNul } from "../../../workers/studio/http/field-errors.ts";
import { readJsonBody } from "../../../workers/studio/http/read-body.ts";
import { email, idOf, nameOf, pageQuery } from "../../../workers/studio/http/schemas.ts";
import { allDefinitions } from "../../../workers/studio/routes/definitions.ts";
import { bodyOf } from "../../support/route-inputs.ts";

/** Where objects stand in a value, itself first. */
function objectsIn(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [];
  const inner = Object.entries(value).flatMap(([key, held]) => objectsIn(held, [...path, key]));
  return Array.isArray(value) ? inner : [[...path], ...inner];
}

describe("every input", () => {
  // What a backend takes, its registration says: test/postgres/studio/backends.test.ts.
  const isBackends = (name: string): boolean => /^(?:get|post|put|patch|delete).*Backend$/.test(name);
  const schemas = allDefinitions(() => ({})).flatMap(({ name, body, query, params }) =>
    (isBackends(name) ? [params] : [body, query, params]).flatMap((schema) =>
      // Of one that comes in kinds, each kind.
      (schema instanceof z.ZodDiscriminatedUnion ? schema.options : schema === null ? [] : [schema]).map(
        (one) => [name, one as z.ZodType] as const,
      ),
    ),
  );

  it.each(schemas)("of %s refuses a field that it does not know", (_name, schema) => {
    const issues = schema.safeParse({ surprise: 1 }).error?.issues ?? [];
    expect(issues.some(({ code }) => code === "unrecognized_keys")).toBe(true);
  });

  /** What is a client's own to fill: a command's arguments, and what browsers add to a passkey's answer, which is dropped. */
  const free = ["args", "clientExtensionResults"];
  const nested = allDefinitions(() => ({})).flatMap(({ name, spec, body }) =>
    body === null
      ? []
      : objectsIn(bodyOf([name, spec])).flatMap((path) => (path.length > 0 ? [[name, path, body] as const] : [])),
  );
  it.each(nested)("of %s refuses a field that it does not know, also within %j", (name, path, schema) => {
    const given = structuredClone(bodyOf([name, routes[name]])) as object;
    const inner = path.reduce((value, key) => (value as Record<string, object>)[key] as object, given);
    Object.assign(inner, { surprise: 1 });
    const parsed = schema.safeParse(given);
    if (!free.includes(path.at(-1) ?? "")) expect(parsed.success).toBe(false);
    else if (path.at(-1) !== "args") expect(JSON.stringify(parsed.data)).not.toContain("surprise");
  });

  it.each(schemas)("of %s bounds every text", (_name, schema) => {
    const long = "x".repeat(100_000);
    for (const [field, inner] of Object.entries((schema as z.ZodObject).shape)) {
      expect([field, (inner as z.ZodType).safeParse(long).success]).toEqual([field, false]);
    }
  });
});

describe("errors", () => {
  it("name the place and never the value", () => {
    const schema = z.strictObject({ role: z.enum(["a", "b"]), inner: z.strictObject({ n: z.int().max(3) }) });
    const { error } = schema.safeParse({ role: "s3cret", inner: { n: 5 }, surprise: "s3cret" });
    const errors = fieldErrors(error!);
    expect(errors.map(({ path }) => path)).toEqual(["role", "inner.n", "surprise"]);
    expect(JSON.stringify(errors)).not.toContain("s3cret");
  });

  it("find a NUL however deep, in keys too", () => {
    expect(findNul({ a: [{ b: "x\0y" }] })).toBe("a.0.b");
    expect(findNul({ "a\0": 1 })).not.toBeNull();
    expect(findNul({ a: ["fine", 1, null] })).toBeNull();
  });
});

describe("single schemas", () => {
  it.each([
    ["Anna.Rao@School.TEST ", "anna.rao@school.test"],
    ["a@b.cc", "a@b.cc"],
  ])("take the address %s as %s", (typed, normal) => {
    expect(email.parse(typed)).toBe(normal);
  });

  it.each([
    "",
    "a",
    "a@b",
    "a@@b.cc",
    "a b@c.dd",
    "a@b.cc\r\nBcc: x@y.zz",
    `${"a".repeat(65)}@b.cc`,
    "a@b.cc,d@e.ff",
    "<a@b.cc>",
  ])("refuse %j as an address", (typed) => {
    expect(email.safeParse(typed).success).toBe(false);
  });

  it("take an identifier of their own kind alone", () => {
    const id = "dev_01h455vb4pex5vsknk084sn02q";
    expect(idOf("device").safeParse(id).success).toBe(true);
    for (const other of [`${id}x`, id.toUpperCase(), id.replace("dev_", "usr_"), "dev_", " "]) {
      expect(idOf("device").safeParse(other).success).toBe(false);
    }
  });

  it("refuse names with blanks at the ends or controls inside", () => {
    for (const name of ["", " a", "a ", "a\nb", "a\u0000b", "x".repeat(11)])
      expect(nameOf(10).safeParse(name).success).toBe(false);
    expect(nameOf(20).safeParse("Class 7 – é").success).toBe(true);
  });

  it("refuse pages larger than 200", () => {
    for (const limit of ["0", "201", "-1", "1e2", "01", "abc"])
      expect(pageQuery.safeParse({ limit }).success).toBe(false);
    expect(pageQuery.parse({ limit: "200" })).toEqual({ limit: 200 });
  });
});

describe("a body", () => {
  const read = (body: BodyInit | null, type: string | null, expected = true, bytesMax = 100) => {
    const request = new Request("https://s/", { method: "POST", body });
    request.headers.delete("Content-Type");
    if (type !== null) request.headers.set("Content-Type", type);
    return readJsonBody(request, { expected, bytesMax });
  };
  const json = "application/json";

  it("is JSON by name and by content", async () => {
    expect(await read('{"a":1}', `${json}; charset=utf-8`)).toMatchObject({ kind: "ok", json: { a: 1 } });
    expect(await read('{"a":1}', "text/plain")).toEqual({ kind: "refused", code: "unsupported_media_type" });
    expect(await read('{"a":1}', null)).toEqual({ kind: "refused", code: "unsupported_media_type" });
    expect(await read('{"a":', json)).toEqual({ kind: "refused", code: "invalid_json" });
    expect(await read("", json)).toEqual({ kind: "refused", code: "invalid_json" });
    expect(await read(new Uint8Array([0x22, 0xff, 0x22]), json)).toEqual({ kind: "refused", code: "invalid_json" });
  });

  it("is no larger than its route takes", async () => {
    expect(await read(`"${"x".repeat(99)}"`, json)).toEqual({ kind: "refused", code: "too_large" });
  });

  it("is empty where none is taken", async () => {
    expect(await read(null, null, false)).toMatchObject({ kind: "ok" });
    expect(await read("{}", json, false)).toMatchObject({ kind: "ok" });
    expect(await read('{"a":1}', json, false)).toEqual({ kind: "refused", code: "invalid_request" });
  });
});
