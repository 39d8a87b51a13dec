/** How long a document stays in the bin. */
export const binDays = 30;

/** When a document that was deleted is gone for good, at the earliest. RFC 3339. */
export const goneAt = (deletedAt: string): string =>
  new Date(Date.parse(deletedAt) + binDays * 86_400_000).toISOString();
