package io.licentia;

import org.jspecify.annotations.Nullable;

/** A proof of possession, and the request that it came with. */
public final class Proof {
    final byte[] bytes;
    final String method;
    final String uri;
    final byte @Nullable [] bodyDigest;

    private Proof(byte[] bytes, String method, String uri, byte @Nullable [] bodyDigest) {
        this.bytes = bytes.clone();
        this.method = method;
        this.uri = uri;
        this.bodyDigest = bodyDigest == null ? null : Request.digest("a body's digest", bodyDigest);
    }

    /** Presents a proof for a method and a URI, in the form that service and customer agree on. */
    public static Proof of(byte[] proof, String method, String uri) {
        return new Proof(proof, method, uri, null);
    }

    /** As {@link #of}, where the body must be signed too: by its SHA-256. */
    public Proof withBody(byte[] digest) {
        return new Proof(bytes, method, uri, digest);
    }
}
