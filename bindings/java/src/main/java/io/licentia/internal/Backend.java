package io.licentia.internal;

import java.nio.file.Path;

/** Chooses how the library is called. Java 22 and later have a class of this name that uses no other library. */
final class Backend {
    private Backend() {}

    static Abi open(Path library) {
        return new JnaAbi(library);
    }
}
