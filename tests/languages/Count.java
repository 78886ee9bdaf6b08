import io.licentia.Gate;
import io.licentia.Key;
import io.licentia.Request;
import io.licentia.Store;

/** Charges a meter so many times, and says how often it was granted: URL KEY TOKEN AUDIENCE METER TIMES. */
public final class Count {
    public static void main(String[] arguments) {
        Request needs = Request.builder().meter(arguments[4], 1).build();
        int granted = 0;
        try (Gate gate = Gate.builder().key(Key.of(arguments[1])).audience(arguments[3]).store(Store.open(arguments[0])).build()) {
            for (int at = 0; at < Integer.parseInt(arguments[5]); at++) {
                if (gate.check(arguments[2], needs).isAllowed()) {
                    granted++;
                }
            }
        }
        System.out.println(granted);
    }
}
