package io.licentia;

import io.licentia.internal.Abi;
import io.licentia.internal.Calls;
import io.licentia.internal.Scratch;
import java.lang.ref.Reference;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** A seat of a licence, taken until it is released or its time is over. One thread at a time uses it. */
public final class Seat implements AutoCloseable {
    private final Gate gate;
    private final Request request;
    private Decision decision;
    private long address;

    Seat(Decision decision, long address, Gate gate, Request request) {
        this.decision = decision;
        this.address = address;
        this.gate = gate;
        this.request = request;
    }

    /** The last answer. */
    public synchronized Decision decision() {
        return decision;
    }

    /** Whether the seat was granted. */
    public synchronized boolean isAllowed() {
        return decision.isAllowed();
    }

    /** Until when it is held. */
    public synchronized Instant until() {
        return Instant.ofEpochSecond(Abi.library().callLong("licentia_seat_until", open()));
    }

    /** Holds it for its time again, and checks the licence again. */
    public Decision heartbeat() {
        return heartbeat(null);
    }

    /** As {@link #heartbeat()}, at a given moment: for simulations and tests. */
    public synchronized Decision heartbeat(@Nullable Moment now) {
        Scratch scratch = Scratch.get();
        long seat = open();
        long needed = request.handle.address();
        Abi abi = Abi.library();
        Calls.check(
                now == null
                        ? abi.call("licentia_seat_heartbeat", seat, needed, scratch.place(0))
                        : abi.call(
                                "licentia_seat_heartbeat_at",
                                seat,
                                needed,
                                now.seconds(),
                                now.monotonicNanos(),
                                scratch.place(0)));
        decision = Gate.take(scratch.result(0), scratch, false);
        return decision;
    }

    private long open() {
        if (address == 0) {
            throw new IllegalStateException(
                    decision.isAllowed() ? "the seat is released" : "no seat was taken: " + decision.code());
        }
        return address;
    }

    /**
     * Releases the seat.
     *
     * @throws LicentiaException {@code store_unreachable}: it then ends with its time
     */
    @Override
    public synchronized void close() {
        if (address == 0) {
            return;
        }
        long held = address;
        address = 0;
        try {
            Calls.check(Abi.library().call("licentia_seat_release", held));
        } finally {
            Abi.library().call("licentia_seat_free", held);
            Reference.reachabilityFence(gate);
        }
    }
}
