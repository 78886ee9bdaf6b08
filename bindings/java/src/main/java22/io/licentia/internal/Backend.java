package io.licentia.internal;

import java.nio.file.Path;

/** Calls the library by Java's own means (JEP 454). */
final class Backend {
    private Backend() {}

    static Abi open(Path library) {
        return new ForeignAbi(library);
    }
}
