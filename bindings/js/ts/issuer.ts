// The vendor's side, in a module of its own.
import { bytes } from "./generated/issuer-inline.js";
import { instantiate } from "./generated/issuer.js";
import { instances, lasting } from "./raw.js";

const use = /* @__PURE__ */ lasting(/* @__PURE__ */ instances(bytes, instantiate));

/** The issuer's private key: a 32-byte seed, or PKCS#8 PEM with its passphrase. It never leaves the process. */
export type IssuerKey = { seed: Uint8Array } | { pem: string; passphrase?: string };

/** A licence to issue. */
export interface Draft {
  /** Name of the tier in the catalogue. */
  tier: string;
  /** Version of the tier; the newest where it is not said. */
  version?: number;
  /** Whom it is for. Use an identifier: everybody can read a token. */
  subject: string;
  /** When it is issued, in seconds since 1970; now, where it is not said. */
  now?: number;
  /** Which services it is for; all of the issuer's, where none is named. */
  audiences?: readonly string[];
  /** The holder's public key, where a stolen copy shall be useless. */
  holder?: Uint8Array;
}

/** Issues licences. */
export interface Issuer {
  /** The public key in its text form, for gates to trust. */
  readonly publicKey: string;
  /** Issues a licence of a catalogue, which is TOML; gives its text form. */
  issue(catalogue: string, draft: Draft): string;
}

/** Makes an issuer. */
export function createIssuer(name: string, key: IssuerKey): Issuer {
  const raw = use(({ RawIssuer }) => (
    "seed" in key ? new RawIssuer(name, key.seed) : RawIssuer.fromPem(name, key.pem, key.passphrase ?? "")
  ));
  return {
    publicKey: raw.publicKey(),
    issue(catalogue, draft) {
      const { tier, version = -1, subject, now = Math.floor(Date.now() / 1000) } = draft;
      const { audiences = [], holder = new Uint8Array(0) } = draft;
      return raw.issue(catalogue, tier, version, subject, now, audiences.join("\0"), holder);
    },
  };
}
