package io.licentia.internal;

import java.nio.ByteBuffer;

/**
 * The C ABI. Every argument is a {@code long}: a number, or the address of memory. The platforms that are supported pass
 * arguments in registers and slots of 64 bits, so that a {@code uint32_t} may be given so as well.
 */
public interface Abi {
    /** The library, loaded once. */
    static Abi library() {
        return Loaded.LIBRARY;
    }

    /** Calls a function that returns a status, or nothing. */
    int call(String function, long... arguments);

    /** Calls a function that returns a number of 64 bits or an address. */
    long callLong(String function, long... arguments);

    /** {@code licentia_gate_check_at}. */
    int checkAt(long gate, long token, long length, long request, long seconds, long nanos, long decision);

    /** {@code licentia_gate_check}. */
    int check(long gate, long token, long length, long request, long decision);

    /** {@code licentia_decision_facts}. */
    int facts(long decision, long size, long facts);

    /** {@code licentia_decision_charge}. */
    int charge(long decision, long index, long size, long charge);

    /** {@code licentia_decision_free}. */
    void freeDecision(long decision);

    /** The address of a direct buffer's first byte. */
    long address(ByteBuffer direct);

    /** Copies memory of the library. */
    byte[] copy(long address, long length);

    /** The text at an address, which a NUL ends. */
    String string(long address);

    /** Loads the library at the first call. */
    final class Loaded {
        private static final Abi LIBRARY = Backend.open(NativeLibrary.find());

        private Loaded() {}
    }
}
