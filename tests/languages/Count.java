import io.licentia.Gate;
import io.licentia.Key;
import io.licentia.Request;
import io.licentia.Store;
import java.io.IOException;

/**
 * Charges a meter so many times, and says how often it was granted: URL KEY TOKEN AUDIENCE METER TIMES. It says
 * {@code ready} first, and waits for a line.
 */
public final class Count {
    public static void main(String[] arguments) throws IOException {
        Request needs = Request.builder().meter(arguments[4], 1).build();
        int granted = 0;
        try (Gate gate = Gate.builder().key(Key.of(arguments[1])).audience(arguments[3]).store(Store.open(arguments[0])).build()) {
            // What is not needed until the first check is loaded now.
            gate.check("", needs);
            System.out.println("ready");
            System.in.read();
            for (int at = 0; at < Integer.parseInt(arguments[5]); at++) {
                if (gate.check(arguments[2], needs).isAllowed()) {
                    granted++;
                }
            }
        }
        System.out.println(granted);
    }
}
