export const membersKey = (org: string) => ["members", org] as const;
