package io.licentia;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.licentia.Samples.Sample;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GateTest {
    private static final Sample METERED = Samples.find(claims -> {
        JsonNode quotas = claims.path("quotas");
        if (quotas.size() == 0) {
            return false;
        }
        JsonNode quota = quotas.elements().next();
        return quota.get("overage").asText().equals("deny")
                && quota.get("limit").asLong() >= 10
                && quota.get("limit").asLong() <= 100_000;
    });
    private static final String METER = Samples.first(METERED.claims().get("quotas"));
    private static final long LIMIT =
            METERED.claims().get("quotas").get(METER).get("limit").asLong();

    @Test
    void aQuotaIsChargedAndThenRefused() {
        Gate gate = METERED.gate();
        Request all = Request.builder().meter(METER, LIMIT - 1).build();
        Request one = Request.builder().meter(METER, 1).build();
        Decision first = gate.check(METERED.token(), all, METERED.now());
        assertTrue(first.isAllowed());
        Charge charge = first.charge(METER).orElseThrow();
        assertEquals(Charge.Unit.QUOTA, charge.unit());
        assertEquals(LIMIT - 1, charge.cost());
        assertEquals(1, charge.remaining());
        assertTrue(first.details().isEmpty());
        assertTrue(gate.check(METERED.token(), one, METERED.now()).isAllowed());
        Decision refused = gate.check(METERED.token(), one, METERED.now());
        assertFalse(refused.isAllowed());
        assertEquals("quota_exceeded", refused.code().name());
        assertEquals(429, refused.httpStatus());
        Details details = refused.details().orElseThrow();
        assertTrue(details.problem().contains("quota_exceeded"));
        assertTrue(details.headers().stream().anyMatch(field -> field.getKey().equals("ratelimit")));
    }

    @Test
    void aReservationChargesWhatTheWorkDidCost() {
        Gate gate = METERED.gate();
        Request most = Request.builder().meter(METER, LIMIT).build();
        Request none = Request.builder().meter(METER, 0).build();
        try (Reservation reservation = gate.reserve(METERED.token(), most, METERED.now())) {
            assertTrue(reservation.isAllowed());
            reservation.cost(METER, 3).commit();
        }
        try (Reservation abandoned =
                gate.reserve(METERED.token(), Request.builder().meter(METER, 5).build(), METERED.now())) {
            assertTrue(abandoned.isAllowed());
        }
        try (Reservation refused = gate.reserve(METERED.token(), most, METERED.now())) {
            assertFalse(refused.isAllowed());
            assertThrows(IllegalStateException.class, refused::commit);
        }
        Decision left = gate.check(METERED.token(), none, METERED.now());
        assertEquals(LIMIT - 3, left.charge(METER).orElseThrow().remaining());
    }

    @Test
    void aMissingTokenIsADenial() {
        Gate gate = METERED.gate();
        assertEquals("missing_token", gate.check(null, Request.nothing()).code().name());
        assertEquals("missing_token", gate.check("", Request.nothing()).code().name());
        for (String token : List.of("x", "lic1_", "lic1_\u00e4", "\ud800", "lic1_" + "A".repeat(200_000), "\0")) {
            Decision decision = gate.check(token, Request.nothing());
            assertFalse(decision.isAllowed());
            assertEquals(1, decision.code().number() / 100, token);
            assertTrue(decision.license().isEmpty());
        }
    }

    @Test
    void aClosedGateRefusesCallsAndReturnsUnits(@TempDir Path folder) {
        String url = "sqlite:" + folder.resolve("usage.db");
        Request one = Request.builder().meter(METER, 1).build();
        Request none = Request.builder().meter(METER, 0).build();
        Gate gate = Gate.builder().key(METERED.key()).store(Store.open(url)).build();
        assertTrue(gate.check(METERED.token(), one, METERED.now()).isAllowed());
        gate.close();
        gate.close();
        assertThrows(IllegalStateException.class, () -> gate.check(METERED.token(), one, METERED.now()));
        try (Gate other = Gate.builder().key(METERED.key()).store(Store.open(url)).build()) {
            Charge left =
                    other.check(METERED.token(), none, METERED.now()).charge(METER).orElseThrow();
            assertEquals(LIMIT - 1, left.remaining());
        }
    }

    @Test
    void misuseIsNamed() {
        assertThrows(IllegalArgumentException.class, () -> Request.builder().meter("calls", -1));
        assertThrows(IllegalArgumentException.class, () -> Request.builder().node(new byte[31]));
        assertThrows(IllegalArgumentException.class, () -> Key.ofEd25519(new byte[8], new byte[31]));
        assertEquals(
                "invalid_key",
                assertThrows(LicentiaException.class, () -> Key.of("licpub1_")).code().name());
        assertThrows(LicentiaException.class, () -> Gate.builder().build());
        assertThrows(LicentiaException.class, () -> Store.open("nothing:"));
        Request tooLong = Request.builder().job("j".repeat(257)).meter(METER, 1).build();
        assertEquals(
                "invalid_argument",
                METERED.gate().check(METERED.token(), tooLong, METERED.now()).code().name());
    }

    @Test
    void threadsShareAGateExactly() throws Exception {
        Gate gate = METERED.gate();
        Request one = Request.builder().meter(METER, 1).build();
        AtomicInteger allowed = new AtomicInteger();
        ExecutorService threads = Executors.newFixedThreadPool(4);
        List<Future<?>> running = new ArrayList<>();
        long each = LIMIT / 2 + 1;
        for (int thread = 0; thread < 4; thread++) {
            running.add(threads.submit(() -> {
                for (long at = 0; at < each; at++) {
                    if (gate.check(METERED.token(), one, METERED.now()).isAllowed()) {
                        allowed.incrementAndGet();
                    }
                }
            }));
        }
        for (Future<?> future : running) {
            future.get();
        }
        threads.shutdown();
        assertEquals(LIMIT, allowed.get());
    }

    @Test
    void garbageIsFreedWhileGatesAreInUse() {
        for (int round = 0; round < 50; round++) {
            Gate gate = METERED.gate();
            Request one = Request.builder().meter(METER, 1).build();
            assertTrue(gate.check(METERED.token(), one, METERED.now()).isAllowed());
            if (round % 10 == 0) {
                System.gc();
            }
        }
        assertSame(Request.nothing(), Request.nothing());
    }

    @Test
    void seatsAreTakenAndReleased() {
        SigningKey signer = SigningKey.generate();
        Moment now = new Moment(1_800_000_000, 0);
        Instant issued = Instant.ofEpochSecond(now.seconds() - 10);
        long seats = 2;
        String token = Issuer.of("acme", signer)
                .issue(Draft.of("cus_42", "pro", 3, issued, issued.plusSeconds(86_400)).seats(seats));
        Gate gate = Gate.builder().key(signer.publicKey()).build();
        Duration held = Duration.ofMinutes(5);
        Moment later = new Moment(now.seconds() + 1, 1_000_000_000);
        List<Seat> taken = new ArrayList<>();
        for (long at = 0; at < seats; at++) {
            Seat seat = gate.checkOut(token, "ada" + at, held, Request.nothing(), now);
            assertTrue(seat.isAllowed());
            assertEquals(now.seconds() + 300, seat.until().getEpochSecond());
            taken.add(seat);
        }
        try (Seat none = gate.checkOut(token, "bob", held, Request.nothing(), now)) {
            assertEquals("seats_taken", none.decision().code().name());
            assertThrows(IllegalStateException.class, none::until);
        }
        assertTrue(taken.get(0).heartbeat(later).isAllowed());
        taken.get(0).close();
        try (Seat seat = gate.checkOut(token, "bob", held, Request.nothing(), later)) {
            assertTrue(seat.isAllowed());
        }
        taken.forEach(Seat::close);
    }
}
