package io.licentia;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The charge of a rate or meter, and what is left of it.
 *
 * @param name name of the rate or meter
 * @param unit what it counts
 * @param cost cost of the request
 * @param limit requests of a full burst, units of a period, or seats
 * @param remaining what is left after this request
 * @param windowSeconds length of the window; null if the length of the period varies
 * @param resetMillis milliseconds until all of the limit is available again; null for a quota for life
 * @param retryAfterMillis milliseconds until the same request may succeed, if it was refused and waiting helps
 */
public record Charge(
        String name,
        Unit unit,
        long cost,
        long limit,
        long remaining,
        @Nullable Long windowSeconds,
        @Nullable Long resetMillis,
        @Nullable Long retryAfterMillis) {
    /** What a charge counts. */
    public enum Unit {
        /** Requests against a rate. */
        RATE,
        /** Units of a quota. */
        QUOTA,
        /** Seats that are taken at the same time. */
        SEAT
    }

    /** Length of the window, if it is always the same. */
    public Optional<Duration> window() {
        return Optional.ofNullable(windowSeconds).map(Duration::ofSeconds);
    }

    /** Time until all of the limit is available again, unless it is a quota for life. */
    public Optional<Duration> resetAfter() {
        return Optional.ofNullable(resetMillis).map(Duration::ofMillis);
    }

    /** Time until the same request may succeed, if it was refused and waiting helps. */
    public Optional<Duration> retryAfter() {
        return Optional.ofNullable(retryAfterMillis).map(Duration::ofMillis);
    }
}
