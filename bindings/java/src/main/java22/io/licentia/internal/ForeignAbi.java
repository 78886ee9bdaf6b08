package io.licentia.internal;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Calls the library by the foreign function and memory API. */
final class ForeignAbi implements Abi {
    private static final MemorySegment EVERYTHING = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final Linker LINKER = Linker.nativeLinker();

    private final SymbolLookup symbols;
    private final Map<String, MethodHandle> functions = new ConcurrentHashMap<>();
    private final MethodHandle checkAt;
    private final MethodHandle check;
    private final MethodHandle facts;
    private final MethodHandle charge;
    private final MethodHandle free;

    ForeignAbi(Path path) {
        symbols = SymbolLookup.libraryLookup(path, Arena.global());
        checkAt = find("licentia_gate_check_at", ValueLayout.JAVA_INT, 7, false);
        check = find("licentia_gate_check", ValueLayout.JAVA_INT, 5, false);
        // They only copy within memory: a thread need not leave the Java state for them.
        facts = find("licentia_decision_facts", ValueLayout.JAVA_INT, 3, true);
        charge = find("licentia_decision_charge", ValueLayout.JAVA_INT, 4, true);
        free = find("licentia_decision_free", ValueLayout.JAVA_INT, 1, true);
    }

    private MethodHandle find(String name, MemoryLayout result, int arguments, boolean isShort) {
        MemoryLayout[] longs = new MemoryLayout[arguments];
        java.util.Arrays.fill(longs, ValueLayout.JAVA_LONG);
        Linker.Option[] options = isShort ? new Linker.Option[] {Linker.Option.critical(false)} : new Linker.Option[0];
        return LINKER.downcallHandle(
                symbols.find(name).orElseThrow(), FunctionDescriptor.of(result, longs), options);
    }

    private MethodHandle spread(String name, MemoryLayout result, int arguments) {
        return functions.computeIfAbsent(
                name, key -> find(key, result, arguments, false).asSpreader(long[].class, arguments));
    }

    private static RuntimeException unexpected(Throwable thrown) {
        return thrown instanceof RuntimeException known ? known : new IllegalStateException(thrown);
    }

    @Override
    public int call(String function, long... arguments) {
        try {
            return (int) spread(function, ValueLayout.JAVA_INT, arguments.length).invokeExact(arguments);
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public long callLong(String function, long... arguments) {
        try {
            return (long) spread(function, ValueLayout.JAVA_LONG, arguments.length).invokeExact(arguments);
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int checkAt(long gate, long token, long length, long request, long seconds, long nanos, long decision) {
        try {
            return (int) checkAt.invokeExact(gate, token, length, request, seconds, nanos, decision);
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int check(long gate, long token, long length, long request, long decision) {
        try {
            return (int) check.invokeExact(gate, token, length, request, decision);
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int facts(long decision, long size, long into) {
        try {
            return (int) facts.invokeExact(decision, size, into);
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int charge(long decision, long index, long size, long into) {
        try {
            return (int) charge.invokeExact(decision, index, size, into);
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public void freeDecision(long decision) {
        try {
            int ignored = (int) free.invokeExact(decision);
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public long address(ByteBuffer direct) {
        return MemorySegment.ofBuffer(direct).address();
    }

    @Override
    public byte[] copy(long address, long length) {
        byte[] copied = new byte[Math.toIntExact(length)];
        MemorySegment.copy(EVERYTHING, ValueLayout.JAVA_BYTE, address, copied, 0, copied.length);
        return copied;
    }

    @Override
    public String string(long address) {
        return EVERYTHING.getString(address, StandardCharsets.UTF_8);
    }
}
