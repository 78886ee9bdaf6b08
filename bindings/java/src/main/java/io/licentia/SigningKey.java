package io.licentia;

import io.licentia.internal.Calls;
import io.licentia.internal.Handle;
import java.lang.ref.Reference;
import org.jspecify.annotations.Nullable;

/** The vendor's private key. The library zeroises it when it is freed. */
public final class SigningKey {
    final Handle handle;

    private SigningKey(long address) {
        handle = new Handle(this, address, "licentia_signing_key_free");
    }

    /** Makes a new key. */
    public static SigningKey generate() {
        return new SigningKey(Calls.to("licentia_signing_key_generate").result().call()[0]);
    }

    /**
     * Reads an Ed25519 key in PKCS#8 PEM.
     *
     * @param passphrase the passphrase if the key is encrypted, else null
     * @throws LicentiaException {@code invalid_key}, also for a wrong passphrase
     */
    public static SigningKey ofPem(String pem, @Nullable String passphrase) {
        Calls.Arguments call = Calls.to("licentia_signing_key_from_pem").add(pem);
        call = passphrase == null ? call.add(0).add(0) : call.add(passphrase);
        return new SigningKey(call.result().call()[0]);
    }

    /** The key that verifies what this one signs. */
    public Key publicKey() {
        try {
            return Key.at(Calls.to("licentia_signing_key_public")
                    .add(handle.address())
                    .result()
                    .call()[0]);
        } finally {
            Reference.reachabilityFence(this);
        }
    }
}
