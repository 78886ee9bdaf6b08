// The exports of the vendor's module, as wasm-bindgen presents them.

/** An issuer inside the module. */
export interface RawIssuer {
  publicKey(): string;
  issue(
    catalogue: string, tier: string, version: number | undefined, subject: string, start: number,
    audiences: readonly string[], holder: Uint8Array | undefined, lineage: Uint8Array | undefined,
    index: number | undefined,
  ): string;
}

/** The exports of the module. */
export interface RawVendor {
  RawIssuer: {
    new (name: string, seed: Uint8Array): RawIssuer;
    fromPem(name: string, pem: string, passphrase: string | undefined): RawIssuer;
  };
  generateKey(passphrase: string | undefined): string;
}
