import { type PaymentProvider, PaymentsUnavailable } from "../../../core/billing/provider.ts";

/**
 * Invoices alone: nobody takes a payment here, and nothing leaves for anybody. A plan is asked of the operator, who
 * gives the credit that a month's invoice is; that invoice is paid to the bank account on it, and the operator says so.
 */
export const invoiceProvider: PaymentProvider = {
  name: "invoice",
  checkout: async () => ({ kind: "requested" }),
  portal: async () => null,
  // Nobody signs anything to us, so whatever arrives is not genuine.
  read: async () => ({ ok: false, code: "not_genuine" }),
  // It is charged by a provider that is configured no more: to say that it has ended would be a guess.
  end: async ({ account }) => {
    if (account.subscription !== null)
      throw new PaymentsUnavailable("a subscription is with a provider that is not here");
  },
};
