package io.licentia;

import io.licentia.internal.Abi;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A code, which is the same in every language. Codes are never reused.
 *
 * @param number the number, such as 610
 * @param name the stable name, such as {@code quota_exceeded}
 * @param message its meaning, as a sentence
 * @param advice what to do about it
 */
public record Code(int number, String name, String message, String advice) {
    private static final Map<Integer, Code> KNOWN = new ConcurrentHashMap<>();

    /** The request is granted. */
    public static final int ALLOWED = 0;

    /** Returns the code of a number; its name is {@code unknown} if there is none. */
    public static Code of(int number) {
        Code known = KNOWN.get(number);
        if (known != null) {
            return known;
        }
        Code code = new Code(number, text("name", number), text("message", number), text("advice", number));
        // Only known codes are kept: numbers could be anything.
        return code.name.equals("unknown") ? code : KNOWN.computeIfAbsent(number, key -> code);
    }

    private static String text(String which, int number) {
        Abi abi = Abi.library();
        return abi.string(abi.callLong("licentia_status_" + which, number));
    }

    @Override
    public String toString() {
        return number + " " + name;
    }
}
