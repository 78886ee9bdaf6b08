// The vendor's side, for every kind of module.
import { bytes as checkedBytes, number, object, optionalText, text, texts } from "./arguments.js";
import { wrong } from "./error.js";
import { type Instantiate, Live } from "./module/instance.js";
import type { RawVendor } from "./module/vendor-port.js";

/** The issuer's private key: a 32-byte seed, or PKCS#8 PEM with its passphrase. It never leaves the process. */
export type IssuerKey = { seed: Uint8Array } | { pem: string; passphrase?: string | undefined };

/** A licence to issue. */
export interface Draft {
  /** Name of the tier in the catalogue. */
  tier: string;
  /** Version of the tier; by default the newest. */
  version?: number | undefined;
  /** The customer. Use an identifier: everyone can read a token. */
  subject: string;
  /** When it is issued, in seconds since 1970; by default now. */
  now?: number | undefined;
  /** The services that it is for; by default all of the issuer's. */
  audiences?: readonly string[] | undefined;
  /** The customer's public key, to make a stolen copy useless. */
  holder?: Uint8Array | undefined;
  /** The lineage (16 bytes) of the licence that this one renews or upgrades. Its usage counts on. */
  lineage?: Uint8Array | undefined;
  /** Its index in the revocation stream, which the ledger assigns: no two licences share one. */
  index?: number | undefined;
}

/** Issues licences. */
export interface Issuer {
  /** The public key in its text form, for gates to trust. */
  readonly publicKey: string;
  /** Issues a licence from a catalogue in TOML. Returns its text form. */
  issue(catalogue: string, draft: Draft): string;
}

/** The vendor's side. */
export interface Vendor {
  /** Makes an issuer. */
  createIssuer(name: string, key: IssuerKey): Issuer;
  /** Makes a private key in PKCS#8 PEM, encrypted if there is a passphrase. */
  generateKey(passphrase?: string): string;
}

const DRAFT_KEYS = ["tier", "version", "subject", "now", "audiences", "holder", "lineage", "index"];

/** Makes the vendor's side of a module. */
export function vendor(instantiate: Instantiate<RawVendor>): Vendor {
  const live = new Live(instantiate);
  return {
    createIssuer(name, given) {
      text(name, "an issuer's name");
      const key = { ...object(given, ["seed", "pem", "passphrase"], "a key") };
      if (("seed" in key) === ("pem" in key)) throw wrong("a key has either a seed or a pem");
      if ("seed" in key) checkedBytes(key.seed, "a seed", 32);
      else optionalText(text(key.pem, "a key's pem") && key.passphrase, "a passphrase");
      const issuer = new Live(() => {
        const { RawIssuer } = instantiate();
        return "seed" in key ? new RawIssuer(name, key.seed) : RawIssuer.fromPem(name, key.pem, key.passphrase);
      });
      return {
        publicKey: issuer.use((raw) => raw.publicKey()),
        issue(catalogue, draft) {
          const { version, now = Math.floor(Date.now() / 1000), audiences = [] } = object(draft, DRAFT_KEYS, "a draft");
          const { holder, lineage, index } = draft;
          const tier = text(draft.tier, "a tier"), subject = text(draft.subject, "a subject");
          text(catalogue, "a catalogue");
          texts(audiences, "audiences");
          if (holder !== undefined) checkedBytes(holder, "a holder", 32);
          if (lineage !== undefined) checkedBytes(lineage, "a lineage", 16);
          for (const [what, value] of Object.entries({ version, now, index })) if (value !== undefined) number(value, what);
          return issuer.use((raw) => (
            raw.issue(catalogue, tier, version, subject, now, audiences, holder, lineage, index)
          ));
        },
      };
    },
    generateKey: (passphrase) => live.use((raw) => raw.generateKey(optionalText(passphrase, "a passphrase"))),
  };
}
