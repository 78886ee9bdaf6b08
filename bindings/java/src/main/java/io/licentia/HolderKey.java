package io.licentia;

import io.licentia.internal.Calls;
import io.licentia.internal.Handle;
import java.lang.ref.Reference;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** The customer's private key, which a licence can be bound to. The library zeroises it when it is freed. */
public final class HolderKey {
    private final Handle handle;

    private HolderKey(long address) {
        handle = new Handle(this, address, "licentia_holder_key_free");
    }

    /**
     * Reads an Ed25519 key in PKCS#8 PEM, not encrypted.
     *
     * @throws LicentiaException {@code invalid_key}
     */
    public static HolderKey ofPem(String pem) {
        return new HolderKey(Calls.to("licentia_holder_key_from_pem").add(pem).result().call()[0]);
    }

    /**
     * Makes a proof for one request with a licence.
     *
     * @param bodyDigest SHA-256 of the body, if the service wants the body signed; else null
     * @throws LicentiaException a code of group 1xx for text that is no licence
     */
    public byte[] prove(String token, String method, String uri, byte @Nullable [] bodyDigest, Instant now) {
        try {
            return Calls.to("licentia_holder_key_prove")
                    .add(handle.address())
                    .add(token)
                    .add(method)
                    .add(uri)
                    .addFixed(bodyDigest == null ? null : Request.digest("a body's digest", bodyDigest))
                    .add(now.getEpochSecond())
                    .bytes();
        } finally {
            Reference.reachabilityFence(this);
        }
    }
}
