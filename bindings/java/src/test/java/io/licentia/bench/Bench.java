package io.licentia.bench;

import io.licentia.Decision;
import io.licentia.Draft;
import io.licentia.Gate;
import io.licentia.Issuer;
import io.licentia.Request;
import io.licentia.SigningKey;
import java.time.Instant;

/** Times a warm check: a token that was seen before, with a feature, a quota and a rate. */
public final class Bench {
    private static final int CALLS = 2_000_000;

    private Bench() {}

    /** Prints the fastest of some rounds, in nanoseconds for each check and checks for each second. */
    public static void main(String[] arguments) {
        SigningKey key = SigningKey.generate();
        Instant now = Instant.now();
        String token = Issuer.of("acme", key)
                .issue(Draft.of("customer-42", "pro", 3, now, now.plusSeconds(86_400))
                        .feature("export", "true")
                        .quota("calls", "1000000000000/month")
                        .rate("api", "1000000/1ms"));
        Request request = Request.builder()
                .feature("export")
                .meter("calls", 1)
                .rate("api", 1)
                .build();
        try (Gate gate = Gate.builder().key(key.publicKey()).build()) {
            double best = Double.MAX_VALUE;
            for (int round = 0; round < 8; round++) {
                long begun = System.nanoTime();
                for (int call = 0; call < CALLS; call++) {
                    Decision decision = gate.check(token, request);
                    if (!decision.isAllowed()) {
                        throw new AssertionError(decision.toString());
                    }
                }
                best = Math.min(best, (System.nanoTime() - begun) / (double) CALLS);
            }
            System.out.printf("warm check: %.0f ns, %.2f million a second%n", best, 1000 / best);
        }
    }
}
