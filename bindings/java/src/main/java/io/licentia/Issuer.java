package io.licentia;

import io.licentia.internal.Calls;
import io.licentia.internal.Handle;
import java.lang.ref.Reference;

/** A vendor that issues licences under one name and key. */
public final class Issuer {
    private final Handle handle;

    private Issuer(long address) {
        handle = new Handle(this, address, "licentia_issuer_free");
    }

    /** Makes an issuer from a name of 1 to 256 bytes ({@code iss}) and its key. */
    public static Issuer of(String name, SigningKey key) {
        try {
            return new Issuer(Calls.to("licentia_issuer_new")
                    .add(name)
                    .add(key.handle.address())
                    .result()
                    .call()[0]);
        } finally {
            Reference.reachabilityFence(key);
        }
    }

    /**
     * Signs a licence, and returns its text form. It is a credential: keep it out of logs.
     *
     * @throws LicentiaException {@code invalid_argument} for a draft that contradicts itself
     */
    public String issue(Draft draft) {
        try {
            return Calls.to("licentia_issuer_issue")
                    .add(handle.address())
                    .add(draft.handle.address())
                    .text();
        } finally {
            Reference.reachabilityFence(this);
            Reference.reachabilityFence(draft);
        }
    }
}
