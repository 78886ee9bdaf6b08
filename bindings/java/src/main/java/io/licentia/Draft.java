package io.licentia;

import io.licentia.internal.Calls;
import io.licentia.internal.Handle;
import java.lang.ref.Reference;
import java.time.Instant;

/** A licence before it is signed. One thread at a time uses it. */
public final class Draft {
    final Handle handle;

    private Draft(long address) {
        handle = new Handle(this, address, "licentia_draft_free");
    }

    /**
     * Makes a draft without terms.
     *
     * @param subject the customer, 1 to 256 bytes
     * @param tier name of the tier
     * @param version version of the tier
     * @param issuedAt when it is issued
     * @param expires when it ends
     */
    public static Draft of(String subject, String tier, long version, Instant issuedAt, Instant expires) {
        return new Draft(Calls.to("licentia_draft_new")
                .add(subject)
                .add(tier)
                .add(version)
                .add(issuedAt.getEpochSecond())
                .add(expires.getEpochSecond())
                .result()
                .call()[0]);
    }

    private Draft add(String what, String name, String value) {
        Calls.to("licentia_draft_add_" + what)
                .add(handle.address())
                .add(name)
                .add(value)
                .call();
        Reference.reachabilityFence(this);
        return this;
    }

    /** Grants a feature with a value: {@code true}, a number or a text; {@code VALUE@TIME} ends before the licence. */
    public Draft feature(String name, String value) {
        return add("feature", name, value);
    }

    /** Grants a quota for a meter: {@code LIMIT/PERIOD}, such as {@code 100000/month}. */
    public Draft quota(String meter, String quota) {
        return add("quota", meter, quota);
    }

    /** Grants a rate: {@code COUNT/DURATION}, such as {@code 10/1s}. */
    public Draft rate(String name, String rate) {
        return add("rate", name, rate);
    }

    /** Adds a text of free metadata. */
    public Draft meta(String name, String value) {
        return add("meta", name, value);
    }

    /** Limits how many may use it at once. */
    public Draft seats(long count) {
        Calls.to("licentia_draft_set_seats").add(handle.address()).add(count).call();
        Reference.reachabilityFence(this);
        return this;
    }
}
