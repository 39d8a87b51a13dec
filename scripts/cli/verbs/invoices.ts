import { indiaDay } from "../../../core/billing/invoice.ts";
import { type Currency, formatMoney, parseCurrency } from "../../../core/billing/money.ts";
import { plainLine } from "../../../core/llm/explaining/plain-text.ts";
import { billingRoutes } from "../../../core/routes/billing.ts";
import { CliError } from "../cli-error.ts";
import { callOperator, operatorExclusive, operatorFlags } from "../operator.ts";
import type { Verb } from "../verb.ts";

/** Of an invoice, what is said here. */
interface Said {
  readonly id: string;
  readonly number: string;
  readonly org_id: string;
  readonly due_at: string;
  readonly buyer: { readonly name: string };
  readonly total_minor: number;
  readonly currency: string;
}

/** Characters of a name on an invoice, as the route takes it. */
const nameCharactersMax = 100;
/** Unpaid invoices that the route answers with at most. */
const shownMax = 200;

/** What a bank writes of a payment, as the route takes it. */
const referencePattern = /^[\x21-\x7e]{1,64}$/;

function amount({ total_minor: total, currency }: Said): string {
  const known: Currency = parseCurrency(currency) ?? "INR";
  return formatMoney(total, known);
}

const list: Verb = {
  name: "invoices list",
  summary: "Lists invoices that are not paid, and the plans that owners ask for",
  flags: operatorFlags,
  exclusive: operatorExclusive,
  examples: ["invoices list"],
  async run(flags, print) {
    const found = (await callOperator(flags, { method: "GET", path: billingRoutes.operatorListInvoices.path })) as {
      readonly unpaid: readonly Said[];
      readonly requested: readonly { readonly slug: string; readonly plan: string; readonly at: string }[];
    };
    for (const invoice of found.unpaid) {
      const { id, number, org_id: org, due_at: due, buyer } = invoice;
      // A bank's line has the name. Its owner wrote it: nothing in it steers a terminal.
      const name = plainLine(buyer.name, nameCharactersMax);
      print(`${number} (${id}) to ${name} (${org}): ${amount(invoice)}, due ${indiaDay(Date.parse(due))}`);
    }
    if (found.unpaid.length >= shownMax) print(`the ${shownMax} that are due longest are shown`);
    for (const { slug, plan, at } of found.requested) print(`${slug} asks for ${plan} since ${at}`);
    if (found.unpaid.length === 0) print("no invoice is unpaid");
    if (found.requested.length === 0) print("nobody asks for a plan");
    return 0;
  },
};

const paid: Verb = {
  name: "invoices paid",
  summary: "Puts on record that an invoice was paid to the bank",
  details: "Said again, it stays as it was said first. What was restricted because of it is open at once.",
  argument: { name: "invoice", value: "INVOICE" },
  flags: {
    reference: {
      value: "TEXT",
      help: "the bank's name of the payment (UTR)",
      refuse: (value) => (referencePattern.test(value) ? null : "is not 1 to 64 visible characters"),
    },
    ...operatorFlags,
  },
  exclusive: operatorExclusive,
  examples: ["invoices paid bil_0123456789abcdefghjkmnpqrs --reference SBIN526327001234"],
  async run(flags, print) {
    const { invoice, reference } = flags;
    if (reference === undefined)
      throw new CliError("missing_value", "say the bank's name of the payment: --reference TEXT", 2);
    const body = { invoice, reference };
    const said = (await callOperator(flags, {
      method: "POST",
      path: billingRoutes.operatorMarkPaid.path,
      body,
    })) as Said;
    print(`${said.number} is paid: ${amount(said)}`);
    return 0;
  },
};

/** What is paid to the bank, by the operator's word (docs/billing.md). */
export const invoices: readonly Verb[] = [list, paid];
