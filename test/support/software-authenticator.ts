/** A passkey in software: ES256, no attestation, made of hand-written bytes, so that a test can get any of them wrong. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/** What a test may make it say instead of the truth. */
export interface Lies {
  readonly origin?: string;
  readonly rpId?: string;
  readonly type?: string;
  /** base64url. */
  readonly challenge?: string;
  readonly userVerified?: boolean;
  readonly userPresent?: boolean;
  readonly counter?: number;
  /** base64url; null leaves it out. */
  readonly userHandle?: string | null;
  readonly credentialId?: string;
}

interface CreationOptions {
  readonly challenge: string;
  readonly rp: { readonly id: string };
  readonly user: { readonly id: string };
}
interface RequestOptions {
  readonly challenge: string;
  readonly rpId: string;
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
const sha256 = (bytes: Uint8Array | string): Buffer => createHash("sha256").update(bytes).digest();
const flag = { userPresent: 0x01, userVerified: 0x04, attestedCredential: 0x40 };

export class SoftwareAuthenticator {
  readonly credentialId = base64url(randomBytes(32));
  readonly #origin: string;
  readonly #privateKey: KeyObject;
  readonly #coseKey: Buffer;
  #counter = 0;
  #userHandle = "";

  constructor(origin: string) {
    this.#origin = origin;
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#privateKey = privateKey;
    const { x, y } = publicKey.export({ format: "jwk" });
    // COSE_Key (RFC 9052 §7): kty EC2, alg ES256, crv P-256, x, y.
    const head = Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
    const tail = Buffer.from([0x22, 0x58, 0x20]);
    this.#coseKey = Buffer.concat([head, Buffer.from(x!, "base64url"), tail, Buffer.from(y!, "base64url")]);
  }

  /** Answers `navigator.credentials.create()`. */
  register(options: CreationOptions, lies: Lies = {}) {
    this.#userHandle = options.user.id;
    const id = Buffer.from(lies.credentialId ?? this.credentialId, "base64url");
    const length = Buffer.alloc(2);
    length.writeUInt16BE(id.length);
    const attested = Buffer.concat([Buffer.alloc(16), length, id, this.#coseKey]);
    const rpId = lies.rpId ?? options.rp.id;
    const authData = Buffer.concat([this.#head(rpId, lies, flag.attestedCredential), attested]);
    const text = (value: string): Buffer => Buffer.concat([Buffer.from([0x60 + value.length]), Buffer.from(value)]);
    const size = Buffer.from([0x59, authData.length >> 8, authData.length & 0xff]);
    const attestationObject = Buffer.concat([
      Buffer.from([0xa3]),
      ...[text("fmt"), text("none"), text("attStmt"), Buffer.from([0xa0]), text("authData"), size, authData],
    ]);
    return {
      ...this.#common(lies),
      response: {
        clientDataJSON: base64url(this.#clientData("webauthn.create", options.challenge, lies)),
        attestationObject: base64url(attestationObject),
        transports: ["internal"],
      },
    };
  }

  /** Answers `navigator.credentials.get()`. */
  assert(options: RequestOptions, lies: Lies = {}) {
    this.#counter += 1;
    const clientData = this.#clientData("webauthn.get", options.challenge, lies);
    const authenticatorData = this.#head(lies.rpId ?? options.rpId, lies, 0);
    const signature = sign("sha256", Buffer.concat([authenticatorData, sha256(clientData)]), this.#privateKey);
    const userHandle = lies.userHandle === undefined ? this.#userHandle : lies.userHandle;
    return {
      ...this.#common(lies),
      response: {
        clientDataJSON: base64url(clientData),
        authenticatorData: base64url(authenticatorData),
        signature: base64url(signature),
        ...(userHandle === null ? {} : { userHandle }),
      },
    };
  }

  #common({ credentialId = this.credentialId }: Lies) {
    return { id: credentialId, rawId: credentialId, type: "public-key", clientExtensionResults: {} };
  }

  #clientData(type: string, challenge: string, lies: Lies): Buffer {
    const said = {
      type: lies.type ?? type,
      challenge: lies.challenge ?? challenge,
      origin: lies.origin ?? this.#origin,
    };
    return Buffer.from(JSON.stringify({ ...said, crossOrigin: false }));
  }

  #head(rpId: string, lies: Lies, more: number): Buffer {
    const { userPresent = true, userVerified = true, counter = this.#counter } = lies;
    const flags = (userPresent ? flag.userPresent : 0) | (userVerified ? flag.userVerified : 0) | more;
    const count = Buffer.alloc(4);
    count.writeUInt32BE(counter);
    return Buffer.concat([sha256(rpId), Buffer.from([flags]), count]);
  }
}
