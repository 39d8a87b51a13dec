import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SendQuota } from "../../../agent/connection/send-quota.ts";
import { sameOriginReference } from "../../../agent/connection/server-reference.ts";
import {
  judgeConnack,
  judgeDisconnect,
  judgePuback,
  parseRetryAfter,
  plainText,
  retryAfterMsMax,
  sayWord,
} from "../../../agent/connection/server-word.ts";

const home = "wss://sentinel.example/mqtt/org_1";
const word = (code: number, reasonString: string | null = null, serverReference: string | null = null) => ({
  code,
  reasonString,
  serverReference,
});

describe("a server reference", () => {
  test.each([
    ["/mqtt/org_1?shard=2", "wss://sentinel.example/mqtt/org_1?shard=2"],
    ["wss://sentinel.example/other", "wss://sentinel.example/other"],
    ["wss://sentinel.example:443/other", "wss://sentinel.example/other"],
    ["wss://evil.example/ /here", "wss://sentinel.example/here"],
  ])("of the same origin is followed: %s", (reference, url) => {
    expect(sameOriginReference(home, reference)).toBe(url);
  });

  test.each([
    "wss://evil.example/mqtt/org_1",
    "wss://sentinel.example.evil.example/",
    "wss://sentinel.example:8443/",
    "wss://sentinel.example@evil.example/",
    "wss://user:secret@sentinel.example/",
    "ws://sentinel.example/mqtt/org_1",
    "//evil.example/mqtt/org_1",
    "\\\\evil.example\\mqtt",
    "/\\evil.example/",
    "\t//evil.example/",
    "evil.example:1883",
    "https://sentinel.example/",
    "wss://",
    "",
    " ",
  ])("of any other is not: %j", (reference) => {
    expect(sameOriginReference(home, reference)).toBeNull();
  });

  test("never leads the token elsewhere, whatever the text", () => {
    const parts = fc.constantFrom("wss:", "ws:", "/", "\\", "@", ":", ".", "?", "#", " ", "\t", "evil.example", "443");
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.array(parts).map((all) => all.join("")),
        ),
        (reference) => {
          const url = sameOriginReference(home, reference);
          if (url !== null) expect(new URL(url).origin).toBe(new URL(home).origin);
        },
      ),
    );
  });
});

describe("a server's word", () => {
  test("tells refused credentials from a busy server and from another version", () => {
    expect(judgeConnack(word(0x87), 5, home).kind).toBe("credentials_refused");
    expect(judgeConnack(word(0x89), 5, home).kind).toBe("server_busy");
    for (const code of [0x84, 0x01]) expect(judgeConnack(word(code), 5, home).kind).toBe("version_refused");
    expect(judgeConnack(word(0x01), 4, home).kind).toBe("connect_refused");
  });

  test("sends it to another address of its server for once or for good, and to no other server", () => {
    expect(judgeConnack(word(0x9c, null, "/two"), 5, home)).toMatchObject({ kind: "redirected", lasting: false });
    expect(judgeDisconnect(word(0x9d, null, "/two"), home)).toMatchObject({ kind: "redirected", lasting: true });
    expect(judgeConnack(word(0x9d, null, "wss://evil.example/"), 5, home).kind).toBe("redirect_refused");
    expect(judgeConnack(word(0x9c), 5, home)).toEqual({ kind: "redirect_refused", reference: "" });
  });

  test.each([
    ["retry after 30 s", 30_000],
    ["busy: retry after 0 s.", 0],
    ["retry after 999999999 s", retryAfterMsMax],
    ["retry after 30 seconds", null],
    ["retry after -3 s", null],
    ["retry after a while", null],
    ["", null],
    [null, null],
  ])("hints at a time to come back: %j", (text, ms) => {
    expect(parseRetryAfter(text)).toBe(ms);
  });

  test("about a message: every code is one of arrived, later, never", () => {
    expect([0x00, 0x10].map((code) => judgePuback(word(code)).kind)).toEqual(["arrived", "arrived"]);
    expect([0x87, 0x90, 0x99].map((code) => judgePuback(word(code)).kind)).toEqual(Array(3).fill("refused"));
    expect([0x80, 0x83, 0x91, 0x97].map((code) => judgePuback(word(code)).kind)).toEqual(Array(4).fill("later"));
  });

  test("is said with the name of its code, where the code is a refusal of 5.0", () => {
    expect(sayWord("CONNACK", word(0x97, "32 sessions"))).toBe("CONNACK 0x97 quota exceeded: 32 sessions");
    expect(sayWord("CONNACK", word(0x01))).toBe("CONNACK 0x01");
  });

  test("reaches no terminal with control characters, and not at any length", () => {
    expect(plainText("a\u001b[31mb\nc\u202ed")).toBe("a[31mbcd");
    expect(plainText("x".repeat(10_000))).toHaveLength(200);
  });
});

test("never has more without an answer than the server takes, and sends all in order", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.array(fc.boolean()), (receiveMaximum, steps) => {
      const quota = new SendQuota(receiveMaximum);
      const sent: number[] = [];
      let asked = 0;
      let answered = 0;
      for (const isSend of steps) {
        if (isSend) {
          const number = asked++;
          quota.send(() => sent.push(number));
        } else if (answered < sent.length) {
          answered += 1;
          quota.answered();
        }
        expect(sent.length - answered).toBe(Math.min(receiveMaximum, asked - answered));
      }
      expect(sent).toEqual(sent.map((_, index) => index));
    }),
  );
});
