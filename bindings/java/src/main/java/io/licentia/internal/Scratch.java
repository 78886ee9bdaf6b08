package io.licentia.internal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Memory outside the heap that one thread uses again and again, for arguments and results of one call. */
public final class Scratch {
    /** {@code sizeof(licentia_facts)}. */
    public static final int FACTS = 136;
    /** {@code sizeof(licentia_charge)}. */
    public static final int CHARGE = 72;

    /** Longer tokens than any licence has are refused, but by the library: so they reach it in memory of their own. */
    private static final int TOKEN = 8192;

    private static final ThreadLocal<Scratch> OF_THREAD = ThreadLocal.withInitial(Scratch::new);

    private final Abi abi = Abi.library();
    private final ByteBuffer results = direct(32);
    private final ByteBuffer facts = direct(FACTS);
    private final ByteBuffer charge = direct(CHARGE);
    private final ByteBuffer token = direct(TOKEN);
    private final long resultsAddress = abi.address(results);
    private final long factsAddress = abi.address(facts);
    private final long chargeAddress = abi.address(charge);
    private final long tokenAddress = abi.address(token);

    private Scratch() {}

    /** The memory of this thread. */
    public static Scratch get() {
        return OF_THREAD.get();
    }

    /** New memory outside the heap, in the byte order of the machine. */
    public static ByteBuffer direct(int length) {
        return ByteBuffer.allocateDirect(length).order(ByteOrder.nativeOrder());
    }

    /** The address of a place for a result, from 0 to 3. */
    public long place(int index) {
        return resultsAddress + 8L * index;
    }

    /** The result in a place. */
    public long result(int index) {
        return results.getLong(8 * index);
    }

    /** The struct of facts. */
    public ByteBuffer facts() {
        return facts;
    }

    /** The address of the struct of facts. */
    public long factsAddress() {
        return factsAddress;
    }

    /** The struct of a charge. */
    public ByteBuffer charge() {
        return charge;
    }

    /** The address of the struct of a charge. */
    public long chargeAddress() {
        return chargeAddress;
    }

    /** Calls with the bytes of a text, which are valid until the call ends. */
    public <T> T withToken(String text, Call<T> call) {
        int length = text.length();
        if (length <= TOKEN) {
            token.clear();
            boolean isAscii = true;
            for (int at = 0; at < length && isAscii; at++) {
                char letter = text.charAt(at);
                isAscii = letter < 0x80;
                token.put(at, (byte) letter);
            }
            if (isAscii) {
                return call.with(tokenAddress, length);
            }
        }
        return with(text.getBytes(StandardCharsets.UTF_8), call);
    }

    /** Calls with a copy of bytes outside the heap, which is valid until the call ends. */
    public <T> T with(byte[] bytes, Call<T> call) {
        ByteBuffer copy = direct(Math.max(1, bytes.length)).put(0, bytes);
        try {
            return call.with(abi.address(copy), bytes.length);
        } finally {
            java.lang.ref.Reference.reachabilityFence(copy);
        }
    }

    /** A call with memory outside the heap. */
    public interface Call<T> {
        /** Calls with an address and a length. */
        T with(long address, long length);
    }
}
