/**
 * Mails all owners. They were told once one of the mails has left: an address that takes none, which an owner may choose,
 * would otherwise bring the others the same mail every hour, and keep the debt untold for ever.
 * @throws what the first mail threw, when none has left
 */
export async function mailOwners(owners: readonly string[], mail: (to: string) => Promise<void>): Promise<void> {
  const outcomes = await Promise.allSettled(owners.map(mail));
  const [first] = outcomes;
  if (first?.status === "rejected" && outcomes.every(({ status }) => status === "rejected")) throw first.reason;
}
