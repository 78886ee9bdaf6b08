package io.licentia;

import java.time.Instant;

/**
 * Both clocks of a simulated moment, for tests. Without one, a gate asks the system.
 *
 * @param seconds the wall clock, in seconds since 1970
 * @param monotonicNanos a clock that only advances, in nanoseconds from any start
 */
public record Moment(long seconds, long monotonicNanos) {
    /** Checks that the numbers are not negative. */
    public Moment {
        if (seconds < 0 || monotonicNanos < 0) {
            throw new IllegalArgumentException("seconds and monotonicNanos are at least 0");
        }
    }

    /** A moment of the wall clock, with the monotonic clock at 0. */
    public static Moment of(Instant instant) {
        return new Moment(instant.getEpochSecond(), 0);
    }
}
