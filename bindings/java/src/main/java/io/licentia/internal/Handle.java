package io.licentia.internal;

import java.lang.ref.Cleaner;

/**
 * An object of the library, which is freed when no Java object refers to it any more.
 *
 * <p>Closing an object of the API never frees it, because another thread may be using it at that moment.
 */
public final class Handle {
    private static final Cleaner CLEANER = Cleaner.create();

    private final long address;

    /** Takes an object over. {@code owner} is the only Java object that uses it. */
    public Handle(Object owner, long address, String free) {
        this.address = address;
        CLEANER.register(owner, new Free(address, free));
    }

    /** The object's address. The caller keeps the owner reachable while it uses it. */
    public long address() {
        return address;
    }

    private record Free(long address, String function) implements Runnable {
        @Override
        public void run() {
            Abi.library().call(function, address);
        }
    }
}
