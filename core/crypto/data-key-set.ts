import type { DataKeyId } from "../ids.ts";
import type { KeyUnavailableReason } from "./key-wrapper.ts";

/** Who may keep an organisation's key-encryption key. */
export const keeperKinds = ["sentinel", "https", "aws_kms"] as const;
export type KeeperKind = (typeof keeperKinds)[number];

/** The keeper of an organisation's key-encryption key, as it is stored. */
export interface KeeperRecord {
  readonly kind: KeeperKind;
  /** Address or key name, as its keeper reads it; nothing secret. Empty for Sentinel. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** What the keeper knows us by, sealed under Sentinel's own key; null for Sentinel. */
  readonly credentials: string | null;
}

export interface WrappedDataKey {
  readonly id: DataKeyId;
  /** By the set's keeper, for the purpose {@link dataKeyPurpose}. */
  readonly wrapped: string;
}

/** All data keys of one organisation. Every one of them is wrapped by the one keeper. */
export interface DataKeySet {
  /** Counts changes of keys and keeper; 0: there is nothing yet. */
  readonly version: number;
  readonly shredded: boolean;
  readonly keeper: KeeperRecord;
  /** The key that seals; the others open what they have sealed. */
  readonly current: DataKeyId | null;
  readonly keys: readonly WrappedDataKey[];
  /** Messages of the current key that whoever has read this may seal: those asked for, or 0. */
  readonly reserved: number;
}

/** Data keys of one organisation: one a month would fill this in twenty years. The set travels in one answer. */
export const dataKeysMax = 240;

export const dataKeyPurpose = (id: DataKeyId): string => `data-key:${id}`;

/** What moves all of an organisation's keys to a keeper, or to its keeper's newer key. */
export interface KeeperChange {
  /** Of the set that was read. */
  readonly version: number;
  readonly keeper: KeeperRecord;
  /** Every key of that set, wrapped by the keeper. */
  readonly keys: readonly WrappedDataKey[];
}

/** How the keeper answered last. */
export type KeeperOutcome = "answered" | KeyUnavailableReason;

/** Where one organisation's wrapped keys lie. What holds it holds the right to that organisation's. */
export interface DataKeyStore {
  /** @param messages how many messages of the current key are to be reserved for the caller */
  read(messages: number): Promise<DataKeySet>;
  /**
   * Makes a new current key, if nothing has changed since `version`; the older ones stay for reading.
   * @returns false when somebody else was first, or the keys are shredded
   */
  add(version: number, key: WrappedDataKey): Promise<boolean>;
  /** Notes the keeper's answer, for people to look at. */
  report(outcome: KeeperOutcome): Promise<void>;
}
