package io.licentia;

import io.licentia.internal.Abi;
import io.licentia.internal.Calls;
import io.licentia.internal.Handle;
import io.licentia.internal.Scratch;
import java.lang.ref.Reference;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Decides whether API requests may proceed. Make one, and share it between all threads. */
public final class Gate implements AutoCloseable {
    private final Handle handle;
    private volatile boolean isClosed;

    Gate(long address) {
        handle = new Handle(this, address, "licentia_gate_free");
    }

    /** Begins a gate. */
    public static GateBuilder builder() {
        return new GateBuilder();
    }

    /**
     * Decides whether a request with a token may proceed.
     *
     * @param token the token as text, {@code lic1_...}; null if the request has none
     */
    public Decision check(@Nullable String token, Request request) {
        return check(token, request, null, false);
    }

    /** As {@link #check(String, Request)}, at a given moment: for simulations and tests. */
    public Decision check(@Nullable String token, Request request, Moment now) {
        return check(token, request, now, false);
    }

    /** As {@link #check(String, Request)}; the decision has its {@link Decision#details} also if it allows. */
    public Decision checkInDetail(@Nullable String token, Request request) {
        return check(token, request, null, true);
    }

    /** As {@link #checkInDetail(String, Request)}, at a given moment: for simulations and tests. */
    public Decision checkInDetail(@Nullable String token, Request request, Moment now) {
        return check(token, request, now, true);
    }

    private Decision check(@Nullable String token, Request request, @Nullable Moment now, boolean isDetailed) {
        long gate = open();
        Scratch scratch = Scratch.get();
        long place = scratch.place(0);
        long needed = request.handle.address();
        try {
            Calls.check(scratch.withToken(token == null ? "" : token, (text, length) -> now == null
                    ? Abi.library().check(gate, text, length, needed, place)
                    : Abi.library()
                            .checkAt(gate, text, length, needed, now.seconds(), now.monotonicNanos(), place)));
            return take(scratch.result(0), scratch, isDetailed);
        } finally {
            Reference.reachabilityFence(request);
            Reference.reachabilityFence(this);
        }
    }

    /** Copies a decision and frees it. */
    static Decision take(long decision, Scratch scratch, boolean isDetailed) {
        try {
            return new Decision(decision, scratch, isDetailed);
        } finally {
            Abi.library().freeDecision(decision);
        }
    }

    /**
     * Decides as {@link #check(String, Request)}, and reserves what the meters may cost at most, for work whose cost is
     * known when it is done.
     */
    public Reservation reserve(@Nullable String token, Request request) {
        return reserve(token, request, null);
    }

    /** As {@link #reserve(String, Request)}, at a given moment: for simulations and tests. */
    public Reservation reserve(@Nullable String token, Request request, @Nullable Moment now) {
        long[] found = with(token, (text, length) -> at(
                        Calls.to(now == null ? "licentia_gate_reserve" : "licentia_gate_reserve_at")
                                .add(open())
                                .add(text)
                                .add(length)
                                .add(request.handle.address()),
                        now)
                .result()
                .result()
                .call());
        return new Reservation(take(found[0], Scratch.get(), false), found[1], this, request);
    }

    /**
     * Decides as {@link #check(String, Request)}, and takes a seat of the licence if all else is granted.
     *
     * @param holder a name of 1 to 256 bytes that identifies a user, process or machine; a holder that has a seat keeps
     *     it
     * @param held how long the seat is held without a heartbeat, from a second to 31 days
     */
    public Seat checkOut(@Nullable String token, String holder, Duration held, Request request) {
        return checkOut(token, holder, held, request, null);
    }

    /** As {@link #checkOut(String, String, Duration, Request)}, at a given moment: for simulations and tests. */
    public Seat checkOut(
            @Nullable String token, String holder, Duration held, Request request, @Nullable Moment now) {
        long[] found = with(token, (text, length) -> at(
                        Calls.to(now == null ? "licentia_gate_check_out" : "licentia_gate_check_out_at")
                                .add(open())
                                .add(text)
                                .add(length)
                                .add(holder)
                                .add(held.toSeconds())
                                .add(request.handle.address()),
                        now)
                .result()
                .result()
                .call());
        return new Seat(take(found[0], Scratch.get(), false), found[1], this, request);
    }

    private static Calls.Arguments at(Calls.Arguments call, @Nullable Moment now) {
        return now == null ? call : call.add(now.seconds()).add(now.monotonicNanos());
    }

    private static <T> T with(@Nullable String token, Scratch.Call<T> call) {
        return Scratch.get().withToken(token == null ? "" : token, call);
    }

    /**
     * Replaces the keys by those of a newer keyset, at once for all threads.
     *
     * @return false if it is the one in use
     * @throws LicentiaException for a bad keyset; the gate then keeps its keys
     */
    public boolean loadKeyset(byte[] keyset) {
        return load("licentia_gate_load_keyset", keyset);
    }

    /**
     * Loads a newer revocation bundle, or a delta on the one in use, at once for all threads.
     *
     * @return false if it is the one in use
     * @throws LicentiaException for a bad bundle; the gate then keeps its bundle
     */
    public boolean loadRevocation(byte[] bundle) {
        return load("licentia_gate_load_revocation", bundle);
    }

    private boolean load(String function, byte[] bytes) {
        long[] changed = Calls.to(function).add(open()).add(bytes).result().call();
        Reference.reachabilityFence(this);
        return (changed[0] & 0xff) != 0;
    }

    /**
     * Returns units that were fetched ahead and not used to the store. Counting goes on.
     *
     * @throws LicentiaException {@code store_unreachable}: units that the store did not take can be used
     */
    public void settle() {
        settle(open());
    }

    private void settle(long gate) {
        Calls.to("licentia_gate_settle").add(gate).call();
        Reference.reachabilityFence(this);
    }

    private long open() {
        if (isClosed) {
            throw new IllegalStateException("the gate is closed");
        }
        return handle.address();
    }

    /** Refuses further calls, and returns unused units to the store. */
    @Override
    public void close() {
        if (!isClosed) {
            isClosed = true;
            settle(handle.address());
        }
    }
}
