package io.licentia.internal;

import io.licentia.Code;
import io.licentia.LicentiaException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Calls of functions that return a status, with arguments and results in memory outside the heap. */
public final class Calls {
    private static final int OK = 1;
    private static final int ABSENT = 2;
    /** How C says that there is no number. */
    public static final long NONE = -1;

    private Calls() {}

    /** Throws unless a status is good. */
    public static void check(int status) {
        if (status != OK) {
            throw new LicentiaException(Code.of(status));
        }
    }

    /** Whether a value exists; throws for any other status that is not good. */
    public static boolean exists(int status) {
        if (status == ABSENT) {
            return false;
        }
        check(status);
        return true;
    }

    /** Begins a call of a function. */
    public static Arguments to(String function) {
        return new Arguments(function);
    }

    /** The arguments of one call. */
    public static final class Arguments {
        private final String function;
        private final List<Long> values = new ArrayList<>();
        private final List<ByteBuffer> kept = new ArrayList<>();
        private final List<ByteBuffer> results = new ArrayList<>();

        private Arguments(String function) {
            this.function = function;
        }

        /** A number or an address. */
        public Arguments add(long value) {
            values.add(value);
            return this;
        }

        /** Bytes, without their length; NULL if there are none. */
        public Arguments addFixed(byte @Nullable [] bytes) {
            return add(bytes == null ? 0 : address(bytes));
        }

        /** Bytes and their length. */
        public Arguments add(byte[] bytes) {
            return add(address(bytes)).add(bytes.length);
        }

        /** A text and its length. */
        public Arguments add(String text) {
            return add(text.getBytes(StandardCharsets.UTF_8));
        }

        /** A place for a result. */
        public Arguments result() {
            ByteBuffer place = Scratch.direct(8);
            results.add(place);
            return add(Abi.library().address(place));
        }

        private long address(byte[] bytes) {
            ByteBuffer copy = Scratch.direct(Math.max(1, bytes.length)).put(0, bytes);
            kept.add(copy);
            return Abi.library().address(copy);
        }

        /** Calls, and returns the results in their order. */
        public long[] call() {
            Calls.check(status());
            return results.stream().mapToLong(place -> place.getLong(0)).toArray();
        }

        /** Calls, and returns the status. */
        public int status() {
            long[] arguments = values.stream().mapToLong(Long::longValue).toArray();
            try {
                return Abi.library().call(function, arguments);
            } finally {
                java.lang.ref.Reference.reachabilityFence(kept);
            }
        }

        /** Calls a function that returns text which the caller frees, and returns a copy. */
        public String text() {
            return new String(owned("licentia_string_free"), StandardCharsets.UTF_8);
        }

        /** As {@link #text}, of a function that may have none. */
        public Optional<String> optionalText() {
            result().result();
            if (!Calls.exists(status())) {
                return Optional.empty();
            }
            return Optional.of(new String(taken("licentia_string_free"), StandardCharsets.UTF_8));
        }

        /** Calls a function that returns bytes which the caller frees, and returns a copy. */
        public byte[] bytes() {
            return owned("licentia_bytes_free");
        }

        private byte[] owned(String free) {
            result().result().call();
            return taken(free);
        }

        /** Copies and frees the first result, whose length is the second. */
        private byte[] taken(String free) {
            long address = results.get(0).getLong(0);
            try {
                return Abi.library().copy(address, results.get(1).getLong(0));
            } finally {
                Abi.library().call(free, address);
            }
        }
    }
}
