/** What a store gave: how many units, and how many are taken of the key in all, by everybody. */
export interface Leased {
  granted: number;
  total: number;
}

/** Keeps the quotas that several processes share. */
export interface Store {
  /**
   * Takes up to `want` units of a key, or what is left of `limit`, and none where fewer than `need` are left; a `want`
   * of 0 only asks how many are taken. It must count and answer as one step.
   *
   * `until` is when the key may be forgotten, in seconds since 1970: a day after the period's end. That of a quota
   * for life never is. The key is the same in every language: `licentia:{lineage}:meter:start:end`.
   */
  lease(
    key: string, want: number, limit: number, until: number | undefined, need: number,
  ): Leased | Promise<Leased>;
  /** Gives back units that were not used. */
  release?(key: string, units: number): void | Promise<void>;
}

/** What a store could not do. */
export interface StoreFailure {
  operation: "lease" | "release";
  key: string;
  units: number;
  error: unknown;
}
