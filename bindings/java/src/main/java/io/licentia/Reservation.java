package io.licentia;

import io.licentia.internal.Calls;

/**
 * Work whose cost is known when it is done. What it may cost at most is reserved; {@link #commit} charges what it did
 * cost, and closing it without a commit charges nothing. One thread at a time uses it.
 */
public final class Reservation implements AutoCloseable {
    private final Decision decision;
    private final Gate gate;
    private final Request request;
    private long address;

    Reservation(Decision decision, long address, Gate gate, Request request) {
        this.decision = decision;
        this.address = address;
        // It borrows from both.
        this.gate = gate;
        this.request = request;
    }

    /** The answer to the request. */
    public Decision decision() {
        return decision;
    }

    /** Whether the request may proceed. */
    public boolean isAllowed() {
        return decision.isAllowed();
    }

    /** Sets what a meter did cost, at most what was reserved. */
    public synchronized Reservation cost(String meter, long cost) {
        if (cost < 0) {
            throw new IllegalArgumentException("the cost of `" + meter + "` is at least 0, not " + cost);
        }
        Calls.to("licentia_reservation_set_cost").add(open()).add(meter).add(cost).call();
        return this;
    }

    /**
     * Charges what the work did cost, and returns the rest.
     *
     * @throws LicentiaException {@code store_unreachable}; it can be tried again
     */
    public synchronized void commit() {
        Calls.to("licentia_reservation_commit").add(open()).call();
    }

    private long open() {
        if (address == 0) {
            throw new IllegalStateException(
                    decision.isAllowed() ? "the reservation is closed" : "nothing was reserved: " + decision.code());
        }
        return address;
    }

    /** Returns what was reserved and not committed. */
    @Override
    public synchronized void close() {
        if (address != 0) {
            io.licentia.internal.Abi.library().call("licentia_reservation_free", address);
            address = 0;
        }
        java.lang.ref.Reference.reachabilityFence(gate);
        java.lang.ref.Reference.reachabilityFence(request);
    }
}
