package io.licentia;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Locale;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Every case of every shared vector that has to do with what the package offers. */
class VectorsTest {
    @Test
    void licenses() {
        Vectors.each("license.json", VectorsTest::license);
    }

    private static void license(JsonNode group, JsonNode test) {
        JsonNode expect = group.get("expect");
        JsonNode proof = test.hasNonNull("proof") ? test.get("proof") : group.path("proof");
        String given = Vectors.text(test, "token");
        String token = given != null ? given : Tokens.encode(Vectors.hex(test, "tokenHex"));
        if (group.get("keys").isEmpty()) {
            // Without a key there is nobody to trust, and no gate.
            return;
        }
        GateBuilder builder = Gate.builder().cacheCapacity(1).skew(Duration.ofSeconds(expect.path("skew").asLong()));
        for (JsonNode key : group.get("keys")) {
            builder.key(Key.of(key.asText()));
        }
        set(Vectors.text(expect, "issuer"), builder::issuer);
        set(Vectors.text(expect, "audience"), builder::audience);
        Request.Builder needs = Request.builder();
        expect.path("features").forEach(feature -> needs.feature(feature.asText()));
        set(Vectors.text(expect, "node"), node -> needs.node(HexFormat.of().parseHex(node)));
        if (expect.path("release").isIntegralNumber()) {
            needs.release(Instant.ofEpochSecond(expect.get("release").asLong()));
        }
        if (proof.isObject()) {
            builder.proofAge(Duration.ofSeconds(proof.get("maxAge").asLong()));
            Proof presented = Proof.of(
                    Tokens.decodeBase64Url(proof.get("proof").asText()),
                    proof.get("method").asText(),
                    proof.get("uri").asText());
            String body = Vectors.text(proof, "body");
            needs.proof(body == null ? presented : presented.withBody(HexFormat.of().parseHex(body)));
        }
        Gate gate = builder.build();
        Moment now = new Moment(test.get("now").asLong(), 0);
        Decision decision = gate.checkInDetail(token, needs.build(), now);
        boolean isValid = test.get("result").asText().equals("valid");
        assertEquals(isValid, decision.isAllowed());
        String code = Vectors.text(test, "code");
        if (code != null) {
            assertEquals(code, decision.code().name());
            assertEquals(test.get("number").asInt(), decision.code().number());
        }
        Details details = decision.details().orElseThrow();
        assertFalse(details.explanation().contains("lic1_") || details.json().contains("lic1_"));
        if (isValid) {
            assertEquals(test.get("state").asText(), name(decision.state().orElseThrow()));
            JsonNode claims = Vectors.parse(details.license());
            assertEquals(test.get("claims").toString(), claims.toString());
            assertEquals(details.license(), Tokens.unverifiedJson(token));
            License license = decision.license().orElseThrow();
            assertEquals(claims.get("sub").asText(), license.subject());
            assertEquals(claims.get("iss").asText(), license.issuer());
            assertEquals(claims.get("cti").asText(), license.id());
            assertEquals(claims.get("lineage").asText(), license.lineage());
            assertEquals(claims.get("tier").get("name").asText(), license.tier());
            assertEquals(claims.get("exp").asLong(), license.expires().getEpochSecond());
        } else {
            assertTrue(decision.state().isEmpty());
        }
    }

    private static void set(@Nullable String text, java.util.function.Consumer<String> setter) {
        if (text != null) {
            setter.accept(text);
        }
    }

    private static String name(State state) {
        return state.name().toLowerCase(Locale.ROOT);
    }

    private static String codeOf(Supplier<?> call) {
        try {
            call.get();
            return "allowed";
        } catch (LicentiaException refused) {
            return refused.code().name();
        }
    }

    @Test
    void texts() {
        Vectors.each("text.json", (group, test) -> {
            String text = test.get("text").asText();
            assertEquals(test.get("code").asText(), codeOf(() -> Tokens.decode(text)));
            if (test.hasNonNull("hex")) {
                byte[] decoded = Tokens.decode(text);
                assertEquals(test.get("hex").asText(), HexFormat.of().formatHex(decoded));
                assertEquals(text, Tokens.encode(decoded));
            }
        });
    }

    @Test
    void keys() {
        Vectors.each("key.json", (group, test) -> {
            String text = test.get("key").asText();
            assertEquals(test.get("code").asText(), codeOf(() -> Key.of(text)));
            if (test.get("result").asText().equals("valid")) {
                Key key = Key.of(text);
                assertEquals(test.get("kid").asText(), HexFormat.of().formatHex(key.kid()));
                assertEquals(test.get("publicKey").asText(), HexFormat.of().formatHex(key.bytes()));
                Key made = Key.ofEd25519(key.kid(), key.bytes());
                assertEquals(key, made);
                assertEquals(text, made.toString());
            }
        });
    }

    @Test
    void gates() {
        Vectors.each("gate.json", (group, test) -> {
            Store store = Store.open("memory:");
            Gate gate = null;
            byte[] loaded = null;
            if (Vectors.text(test, "root") == null) {
                gate = gate(test, null, store);
            }
            for (JsonNode step : test.get("steps")) {
                switch (step.get("do").asText()) {
                    case "load" -> {
                        byte[] keyset = Vectors.hex(step, "keyset");
                        Gate before = gate;
                        Gate[] made = {gate};
                        String code = codeOf(() -> before == null
                                ? (made[0] = gate(test, keyset, store))
                                : (Object) before.loadKeyset(keyset));
                        assertEquals(step.get("code").asText(), code);
                        gate = made[0];
                        loaded = code.equals("allowed") ? keyset : loaded;
                    }
                    case "publish" -> {
                        byte[] bundle = Vectors.hex(step, "bundle");
                        Gate used = gate;
                        assertNotNull(used);
                        assertEquals(step.get("code").asText(), codeOf(() -> used.loadRevocation(bundle)));
                    }
                    case "restart" -> gate = gate(test, loaded, store);
                    case "check" -> check(gate, step);
                    default -> throw new AssertionError("an unknown step: " + step);
                }
            }
        });
    }

    private static Gate gate(JsonNode test, byte @Nullable [] keyset, Store store) {
        GateBuilder builder = Gate.builder().store(store);
        test.path("keys").forEach(key -> builder.key(Key.of(key.asText())));
        String root = Vectors.text(test, "root");
        if (root != null && keyset != null) {
            builder.keyset(Key.of(root), keyset);
        }
        return builder.build();
    }

    private static void check(@Nullable Gate gate, JsonNode step) {
        assertNotNull(gate);
        Request.Builder needs = Request.builder();
        step.path("rates").forEach(rate -> needs.rate(rate.get(0).asText(), rate.get(1).asLong()));
        step.path("meters").forEach(meter -> needs.meter(meter.get(0).asText(), meter.get(1).asLong()));
        Moment now = new Moment(step.get("now").asLong(), step.path("monotonicMs").asLong() * 1_000_000);
        Decision decision = gate.check(step.get("token").asText(), needs.build(), now);
        assertEquals(step.get("code").asText(), decision.code().name());
        assertEquals(Vectors.text(step, "state"), decision.state().map(VectorsTest::name).orElse(null));
        assertEquals(Vectors.text(step, "warning"), decision.warning().map(Code::name).orElse(null));
    }

    @Test
    void codes() {
        JsonNode file = Vectors.file("codes.json");
        for (JsonNode code : file.get("codes")) {
            Code found = Code.of(code.get("number").asInt());
            assertEquals(code.get("name").asText(), found.name());
            assertEquals(code.get("message").asText(), found.message());
            assertEquals(code.get("advice").asText(), found.advice());
        }
        assertEquals("unknown", Code.of(7).name());
        System.out.println("vectors: " + file.get("codes").size() + " cases of codes.json");
    }
}
