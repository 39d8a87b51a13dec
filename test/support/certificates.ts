/** Certificates of throw-away authorities, made by the openssl of this machine. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface KeyPair {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  /** Where its certificate lies. */
  readonly path: string;
  readonly cert: string;
  /** @param names as in subjectAltName: `DNS:localhost`, `IP:127.0.0.1` */
  issue(names: string, validity?: "now" | "past", usage?: "serverAuth" | "clientAuth"): KeyPair;
}

/** Makes authorities in a folder of their own. */
export class CertificateMaker {
  readonly #folder = mkdtempSync(join(tmpdir(), "sentinel-certificates-"));
  #made = 0;

  authority(): Authority {
    const name = this.#next("ca");
    this.#openssl([
      "req",
      "-x509",
      "-nodes",
      ...newKey(name),
      "-subj",
      `/CN=${name}`,
      "-days",
      "2",
      "-out",
      `${name}.pem`,
    ]);
    // openssl writes certificates of the past only as an authority with books.
    writeFileSync(join(this.#folder, `${name}.txt`), "");
    writeFileSync(
      join(this.#folder, `${name}.conf`),
      `[ca]\ndefault_ca=c\n[c]\ndatabase=${name}.txt\nnew_certs_dir=.\nrand_serial=yes\ncertificate=${name}.pem\nprivate_key=${name}.key\ndefault_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n`,
    );
    return {
      path: join(this.#folder, `${name}.pem`),
      cert: this.#read(`${name}.pem`),
      issue: (names, validity = "now", usage = "serverAuth") => {
        const made = this.#next("server");
        this.#openssl(["req", "-new", "-nodes", ...newKey(made), "-subj", `/CN=${made}`, "-out", `${made}.csr`]);
        writeFileSync(join(this.#folder, `${made}.ext`), `subjectAltName=${names}\nextendedKeyUsage=${usage}\n`);
        const dates =
          validity === "now" ? ["-days", "1"] : ["-startdate", "20200101000000Z", "-enddate", "20200201000000Z"];
        this.#openssl([
          ...["ca", "-batch", "-notext", "-config", `${name}.conf`, "-in", `${made}.csr`],
          ...["-extfile", `${made}.ext`, ...dates, "-out", `${made}.pem`],
        ]);
        return { cert: this.#read(`${made}.pem`), key: this.#read(`${made}.key`) };
      },
    };
  }

  /** One that nobody issued but its owner. */
  selfSigned(names: string): KeyPair {
    const made = this.#next("self");
    const extension = ["-addext", `subjectAltName=${names}`];
    this.#openssl([
      "req",
      "-x509",
      "-nodes",
      ...newKey(made),
      "-subj",
      "/CN=self",
      ...extension,
      "-days",
      "1",
      "-out",
      `${made}.pem`,
    ]);
    return { cert: this.#read(`${made}.pem`), key: this.#read(`${made}.key`) };
  }

  end(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #next(kind: string): string {
    this.#made += 1;
    return `${kind}${this.#made}`;
  }

  #read(name: string): string {
    return readFileSync(join(this.#folder, name), "utf8");
  }

  #openssl(args: readonly string[]): void {
    execFileSync("openssl", [...args], { cwd: this.#folder, stdio: ["ignore", "ignore", "pipe"] });
  }
}

const newKey = (name: string): string[] => [
  "-newkey",
  "ec",
  "-pkeyopt",
  "ec_paramgen_curve:P-256",
  "-keyout",
  `${name}.key`,
];
