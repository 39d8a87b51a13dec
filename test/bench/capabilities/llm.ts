import { randomBytes } from "node:crypto";
import { directoryNames } from "../../../core/llm/directory-names.ts";
import { MaskTable } from "../../../core/llm/masking.ts";
import { signIn } from "../../e2e/support/api.ts";
import { freshStateDir, removeStateDir, startStackProcess } from "../../e2e/support/stack-process.ts";
import { type LlmServer, startLlmServer } from "../../support/llm-provider.ts";
import { milliseconds, type Row } from "../report.ts";
import { median, overRounds } from "../statistics.ts";

const questionsPerRound = 60;
const warmUpQuestions = 20;

/** A letter as a school writes them: 900 characters, of which a tenth is somebody's. */
const letter = `Dear parents of class 7, the excursion to the science museum is on Friday, 27 November, and begins at 8:30 at the
main gate. Asha Rao (asha.rao@example.co.in, +91 98765 43210) walks with group A, Imran Shaikh with group B. The fee of 450
rupees may be paid by UPI to school@okhdfcbank or in cash at the office by Wednesday, between 9:00 and 12:30. Please tell us
whether your child takes medicine, and give a number at which somebody can be reached on the day; last year 3 of 42 were not
right. For the museum's register we also need the guardian's PAN (such as ABCPE1234F) where a receipt is wanted. In case of
rain we go all the same: the bus stops under the roof. Lunch is at 13:00, the bus is back at about 16:15, and whoever is not
met by then waits in the library with Meera Nair. Questions: call 080-22334455 or write to the office. With kind regards.
`;

/** What a language model's first word waits for in Sentinel, and how fast texts are masked. */
export async function benchLlm(rounds: number): Promise<Row[]> {
  return [...(await firstWords(rounds)), ...maskingRates(rounds)];
}

/** The first piece of a streamed answer, through every unit and straight from the provider, one after the other in turn. */
async function firstWords(rounds: number): Promise<Row[]> {
  const provider = await startLlmServer();
  provider.deeds = [{ say: "It is on Friday, at half past eight.", pieces: 8 }];
  const dir = freshStateDir();
  process.env["LOOPBACK_LLM"] = provider.origin;
  const stack = await startStackProcess(dir, ["--port", "0", "--quiet", "--no-agent", "--limit-scale", "100000"]);
  try {
    const { url, owner } = stack.description;
    const { api } = await signIn(url, owner.email, owner.password);
    await giveProvider(api, provider);
    const through = () => firstPiece(`${url}/api/v1/orgs/demo/llm/chat/completions`, `${api.token}`);
    const straight = () => firstPiece(`${provider.baseUrl}/chat/completions`, "sk-of-nobody-at-all");
    const samples: Record<"through" | "straight", number[][]> = { through: [], straight: [] };
    for (let round = -1; round < rounds; round += 1) {
      const [slow, fast]: [number[], number[]] = [[], []];
      for (let question = 0; question < (round < 0 ? warmUpQuestions : questionsPerRound); question += 1) {
        fast.push(await straight());
        slow.push(await through());
      }
      if (round < 0) continue;
      samples.through.push(slow);
      samples.straight.push(fast);
    }
    const [ours, theirs] = [overRounds(samples.through), overRounds(samples.straight)];
    const row = (share: "p50" | "p99"): Row => ({
      what: `first word of a streamed answer, 900 characters asked, masked (edge → studio → capabilities → provider), ${share}`,
      value: milliseconds(ours[share]),
      beside: `straight from the same provider: ${milliseconds(theirs[share])}; added: ${milliseconds(ours[share] - theirs[share])}`,
    });
    return [row("p50"), row("p99")];
  } finally {
    delete process.env["LOOPBACK_LLM"];
    await stack.stop();
    await provider.stop();
    removeStateDir(dir);
  }
}

async function giveProvider(api: Awaited<ReturnType<typeof signIn>>["api"], provider: LlmServer): Promise<void> {
  const given = await api.send("POST", "/api/v1/orgs/demo/llm/providers", {
    name: "loopback",
    base_url: provider.baseUrl,
    models: [{ name: "small", input_micros_per_million: 150_000, output_micros_per_million: 600_000 }],
    roles: ["owner"],
    monthly_budget_micros: 1_000_000_000,
    key: "sk-of-nobody-at-all",
  });
  if (given.status !== 201) throw new Error(`the provider was refused: ${JSON.stringify(given.body)}`);
}

/** Milliseconds until the first piece of text is there; the rest is read, so that no question overlaps the next. */
async function firstPiece(url: string, token: string): Promise<number> {
  const body = { model: "small", messages: [{ role: "user", content: letter }], stream: true, max_tokens: 100 };
  const startedAt = performance.now();
  const response = await fetch(url, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (response.status !== 200 || response.body === null) throw new Error(`${url} answered ${response.status}`);
  let took: number | null = null;
  let heard = "";
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    heard += piece;
    if (took === null && /"content":"[^"]/.test(heard)) took = performance.now() - startedAt;
  }
  if (took === null || !heard.includes("[DONE]")) throw new Error(`${url} said nothing: ${heard}`);
  return took;
}

/**
 * Masking and putting back, in this process: the same code as in the Worker, without the Worker. By the processor's time, so that
 * what else the machine does changes little.
 */
function maskingRates(rounds: number): Row[] {
  const text = letter.repeat(200);
  const megabytes = Buffer.byteLength(text) / 1e6;
  const people = Array.from({ length: 5_000 }, (_, index) => `${syllables(index)} ${syllables(index * 7 + 3)}`);
  const nobody = directoryNames([]);
  const everybody = directoryNames(["Asha Rao", "Imran Shaikh", "Meera Nair", ...people]);
  const random = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(randomBytes(length));
  const rates: Record<"nobody" | "everybody" | "back", number[]> = { nobody: [], everybody: [], back: [] };
  const rateOf = (work: () => void): number => {
    const startedAt = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(startedAt);
    return megabytes / ((user + system) / 1_000_000);
  };
  // The first round is for the machine to get warm.
  for (let round = -1; round < rounds; round += 1) {
    const table = new MaskTable([text], everybody, random);
    let masked = "";
    const made = {
      nobody: rateOf(() => void new MaskTable([text], nobody, random).mask(text)),
      everybody: rateOf(() => {
        masked = table.mask(text);
      }),
      back: rateOf(() => {
        const unmasker = table.unmasker();
        let back = "";
        for (let at = 0; at < masked.length; at += 16) back += unmasker.push(masked.slice(at, at + 16));
        if (back + unmasker.end() !== text) throw new Error("what was masked did not come back");
      }),
    };
    if (round < 0) continue;
    for (const name of ["nobody", "everybody", "back"] as const) rates[name].push(made[name]);
  }
  const shown = (name: keyof typeof rates): string => `${median(rates[name]).toFixed(1)} MB a second of CPU`;
  return [
    { what: "masking of letters, one core, no names", value: shown("nobody"), beside: "–" },
    {
      what: "the same with a directory of 5,003 names",
      value: shown("everybody"),
      beside: `without it: ${shown("nobody")}`,
    },
    { what: "putting back, in pieces of 16 characters", value: shown("back"), beside: "–" },
  ];
}

/** A name that is in no letter. */
function syllables(seed: number): string {
  const parts = ["Ka", "ri", "sho", "van", "de", "lu", "mi", "tra"];
  return [0, 1, 2, 3].map((place) => parts[(seed >> (3 * place)) % parts.length]).join("");
}
