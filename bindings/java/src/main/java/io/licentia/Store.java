package io.licentia;

import io.licentia.internal.Calls;
import io.licentia.internal.Handle;

/** A store of counters and marks. Several gates may share one. */
public final class Store {
    final Handle handle;

    private Store(long address) {
        handle = new Handle(this, address, "licentia_store_free");
    }

    /**
     * Opens the store that a URL names: {@code memory:}, {@code sqlite:usage.db}, {@code redis://host:6379}.
     *
     * @throws LicentiaException {@code invalid_argument} for an unknown kind of store, {@code store_unreachable} if it
     *     cannot be reached
     */
    public static Store open(String url) {
        return new Store(Calls.to("licentia_store_open").add(url).result().call()[0]);
    }
}
