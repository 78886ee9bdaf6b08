/** The claims of a licence: the same members in every language. Times are seconds since 1970, bytes hexadecimal. */
export interface License {
  /** Identifier of the key that signed it. */
  readonly kid: string;
  readonly iss: string;
  /** The customer. */
  readonly sub: string;
  /** The services that it is for; empty means all of the issuer's. */
  readonly aud: readonly string[];
  /** When everything ends, grace included. */
  readonly exp: number;
  readonly nbf: number | null;
  readonly iat: number;
  /** Identifier of this token. */
  readonly cti: string;
  /** The customer's public key or its thumbprint, if the licence is bound to one. */
  readonly cnf: { readonly key: string } | { readonly thumbprint: string } | null;
  readonly tier: { readonly name: string; readonly version: number };
  readonly features: Readonly<Record<string, Feature>>;
  readonly quotas: Readonly<Record<string, Quota>>;
  readonly rates: Readonly<Record<string, Rate>>;
  /** When the contract ends; between it and `exp` the licence is in grace. */
  readonly term_end: number | null;
  readonly seats: number | null;
  readonly policy: {
    readonly stale_revocation: Action;
    readonly clock_doubt: Action;
    readonly store_unreachable: Action;
    /** In seconds. */
    readonly max_revocation_age: number | null;
  };
  readonly node_locks: readonly string[];
  readonly maintained_until: number | null;
  readonly kind: "paid" | "trial" | "developer" | "internal";
  readonly meta: Readonly<Record<string, string>>;
  /** Identifier that stays the same through renewals and upgrades. */
  readonly lineage: string;
  /** Its index in its revocation stream. */
  readonly index: number | null;
  /** Which of the issuer's revocation streams it is in. The first is 0. */
  readonly stream: number;
}

/** The value of a feature: `true`, a number or a text. */
export interface Feature {
  readonly value: true | number | string;
  readonly expires: number | null;
}

/** A number of units in each period. */
export interface Quota {
  readonly limit: number;
  readonly period: Period;
  readonly overage: "deny" | "unlimited" | { readonly up_to: number };
}

/** A number of requests in a number of milliseconds. */
export interface Rate {
  readonly count: number;
  readonly per_ms: number;
  readonly burst: number;
}

/** What to do in doubt; `warn` allows, flagged, for a number of seconds. */
export type Action = "deny" | "allow" | { readonly warn: number };

/** A period of a quota. */
export type Period =
  | "lifetime" | "minute" | "hour" | "day" | "week" | "month" | "year"
  | { readonly seconds: number; readonly anchor: number }
  | { readonly month_from: number }
  | { readonly year_from: number };
