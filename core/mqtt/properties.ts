/**
 * Properties of MQTT 5.0 as values (section 2.2.2.2, table 2-4). A name that is absent was not on the
 * wire. Which packet may carry which is in the codec's own table (property-codec.ts).
 */
export interface Properties {
  /** 0x01. */
  payloadFormatIndicator?: 0 | 1;
  /** 0x02, seconds. */
  messageExpiryInterval?: number;
  /** 0x03. */
  contentType?: string;
  /** 0x08. */
  responseTopic?: string;
  /** 0x09. */
  correlationData?: Uint8Array;
  /** 0x0B, 1–268,435,455: one in SUBSCRIBE, one for each matching subscription in a PUBLISH of the server. */
  subscriptionIdentifiers?: readonly number[];
  /** 0x11, seconds; 0xFFFFFFFF is for ever. */
  sessionExpiryInterval?: number;
  /** 0x12. */
  assignedClientIdentifier?: string;
  /** 0x13, seconds. */
  serverKeepAlive?: number;
  /** 0x15. */
  authenticationMethod?: string;
  /** 0x16. */
  authenticationData?: Uint8Array;
  /** 0x17. */
  requestProblemInformation?: 0 | 1;
  /** 0x18, seconds. */
  willDelayInterval?: number;
  /** 0x19. */
  requestResponseInformation?: 0 | 1;
  /** 0x1A. */
  responseInformation?: string;
  /** 0x1C. */
  serverReference?: string;
  /** 0x1F. */
  reasonString?: string;
  /** 0x21, 1–65,535. */
  receiveMaximum?: number;
  /** 0x22. */
  topicAliasMaximum?: number;
  /** 0x23, 1–65,535. */
  topicAlias?: number;
  /** 0x24. */
  maximumQos?: 0 | 1;
  /** 0x25. */
  retainAvailable?: 0 | 1;
  /** 0x26: in the order they came, names may repeat. */
  userProperties?: readonly (readonly [name: string, value: string])[];
  /** 0x27, bytes, 1–4,294,967,295. */
  maximumPacketSize?: number;
  /** 0x28. */
  wildcardSubscriptionAvailable?: 0 | 1;
  /** 0x29. */
  subscriptionIdentifiersAvailable?: 0 | 1;
  /** 0x2A. */
  sharedSubscriptionAvailable?: 0 | 1;
}
