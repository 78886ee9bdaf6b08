/** The answer to a lease: the units granted, and the total that all processes have taken of the key. */
export interface Leased {
  granted: number;
  total: number;
}

/** Counts quotas that several processes share. */
export interface Store {
  /**
   * Takes up to `want` units of a key, at most what is left of `limit`, and none if fewer than `need` are left. A `want`
   * of 0 only reads the total. The store must count and answer in one atomic step.
   *
   * `until` is when the key may be deleted, in seconds since 1970: 8 days after the end of the period, or never
   * (`undefined`) for a quota for life. The key is the same in every language:
   * `licentia:issuer:{lineage}:meter:start:end`, where the issuer is the first 16 hexadecimal digits of SHA-256 of its
   * name.
   */
  lease(
    key: string, want: number, limit: number, until: number | undefined, need: number,
  ): Leased | Promise<Leased>;
  /** Takes back units that were not used. */
  release?(key: string, units: number): void | Promise<void>;
}

/** An operation that a store did not complete. */
export interface StoreFailure {
  operation: "lease" | "release";
  key: string;
  units: number;
  error: unknown;
}
