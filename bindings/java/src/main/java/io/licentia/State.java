package io.licentia;

import org.jspecify.annotations.Nullable;

/** The state in which a licence grants a request. */
public enum State {
    /** The contract is running. */
    ACTIVE,
    /** The contract has ended and the licence has not: time to renew. */
    GRACE,
    /** A quota is used up, and the contract allows more. */
    OVERAGE,
    /** A gate that enforces would have denied it. */
    ADVISORY;

    static @Nullable State of(int number) {
        return number == 0 ? null : values()[number - 1];
    }
}
