package io.licentia.internal;

import com.sun.jna.Function;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Calls the library by JNA. */
final class JnaAbi implements Abi {
    private final NativeLibrary library;
    private final Map<String, Function> functions = new ConcurrentHashMap<>();

    JnaAbi(Path path) {
        library = NativeLibrary.getInstance(path.toString());
        Native.register(Direct.class, library);
    }

    /** What every request calls: methods that JNA binds directly are several times as fast as others. */
    private static final class Direct {
        private Direct() {}

        static native int licentia_gate_check_at(
                long gate, long token, long length, long request, long seconds, long nanos, long decision);

        static native int licentia_gate_check(long gate, long token, long length, long request, long decision);

        static native int licentia_decision_facts(long decision, long size, long facts);

        static native int licentia_decision_charge(long decision, long index, long size, long charge);

        static native void licentia_decision_free(long decision);
    }

    private Function function(String name) {
        return functions.computeIfAbsent(name, library::getFunction);
    }

    private static Object[] boxed(long[] arguments) {
        Object[] boxed = new Object[arguments.length];
        for (int at = 0; at < boxed.length; at++) {
            boxed[at] = arguments[at];
        }
        return boxed;
    }

    @Override
    public int call(String function, long... arguments) {
        return function(function).invokeInt(boxed(arguments));
    }

    @Override
    public long callLong(String function, long... arguments) {
        return function(function).invokeLong(boxed(arguments));
    }

    @Override
    public int checkAt(long gate, long token, long length, long request, long seconds, long nanos, long decision) {
        return Direct.licentia_gate_check_at(gate, token, length, request, seconds, nanos, decision);
    }

    @Override
    public int check(long gate, long token, long length, long request, long decision) {
        return Direct.licentia_gate_check(gate, token, length, request, decision);
    }

    @Override
    public int facts(long decision, long size, long facts) {
        return Direct.licentia_decision_facts(decision, size, facts);
    }

    @Override
    public int charge(long decision, long index, long size, long charge) {
        return Direct.licentia_decision_charge(decision, index, size, charge);
    }

    @Override
    public void freeDecision(long decision) {
        Direct.licentia_decision_free(decision);
    }

    @Override
    public long address(ByteBuffer direct) {
        return Pointer.nativeValue(Native.getDirectBufferPointer(direct));
    }

    @Override
    public byte[] copy(long address, long length) {
        return length == 0 ? new byte[0] : new Pointer(address).getByteArray(0, Math.toIntExact(length));
    }

    @Override
    public String string(long address) {
        return new Pointer(address).getString(0, "UTF-8");
    }
}
