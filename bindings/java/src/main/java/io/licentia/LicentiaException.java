package io.licentia;

/** Misuse, or a broken environment: a bad key, keyset or bundle, or a store out of reach. A denial is no exception. */
public final class LicentiaException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int code;

    /** Makes an exception for a code. */
    public LicentiaException(Code code) {
        super(code + ": " + (code.message() + " " + code.advice()).strip());
        this.code = code.number();
    }

    /** Why. */
    public Code code() {
        return Code.of(code);
    }
}
