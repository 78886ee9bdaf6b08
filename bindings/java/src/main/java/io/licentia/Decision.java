package io.licentia;

import io.licentia.internal.Abi;
import io.licentia.internal.Calls;
import io.licentia.internal.Scratch;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The answer of a gate to a request: whether it may proceed, and why. It does not change. */
public final class Decision {
    private static final HexFormat HEX = HexFormat.of();

    private final boolean isAllowed;
    private final int code;
    private final @Nullable State state;
    private final int warning;
    private final int httpStatus;
    private final long retryAfterMillis;
    private final List<Charge> charges;
    private final @Nullable License license;
    private final @Nullable Details details;

    /** Copies a decision of the library, which may be freed afterwards. */
    Decision(long decision, Scratch scratch, boolean isDetailed) {
        Abi abi = Abi.library();
        Calls.check(abi.facts(decision, Scratch.FACTS, scratch.factsAddress()));
        ByteBuffer facts = scratch.facts();
        isAllowed = facts.getInt(0) != 0;
        code = facts.getInt(4);
        state = isAllowed ? State.of(facts.getInt(8)) : null;
        warning = facts.getInt(12);
        httpStatus = facts.getInt(16);
        retryAfterMillis = facts.getLong(24);
        license = facts.getLong(32) == 0 ? null : license(abi, facts);
        charges = charges(abi, decision, facts.getInt(20), scratch);
        details = isDetailed || !isAllowed ? details(abi, decision) : null;
    }

    private static String lent(Abi abi, ByteBuffer struct, int at) {
        return new String(abi.copy(struct.getLong(at), struct.getLong(at + 8)), StandardCharsets.UTF_8);
    }

    private static String hex(ByteBuffer struct, int at) {
        byte[] bytes = new byte[16];
        struct.get(at, bytes);
        return HEX.formatHex(bytes);
    }

    private static License license(Abi abi, ByteBuffer facts) {
        return new License(
                lent(abi, facts, 32),
                lent(abi, facts, 48),
                lent(abi, facts, 64),
                facts.getLong(80),
                hex(facts, 88),
                hex(facts, 104),
                Instant.ofEpochSecond(facts.getLong(120)),
                Instant.ofEpochSecond(facts.getLong(128)));
    }

    private static List<Charge> charges(Abi abi, long decision, int count, Scratch scratch) {
        Charge[] found = new Charge[count];
        for (int at = 0; at < count; at++) {
            Calls.check(abi.charge(decision, at, Scratch.CHARGE, scratch.chargeAddress()));
            ByteBuffer charge = scratch.charge();
            found[at] = new Charge(
                    lent(abi, charge, 0),
                    Charge.Unit.values()[charge.getInt(16) - 1],
                    charge.getLong(24),
                    charge.getLong(32),
                    charge.getLong(48),
                    optional(charge.getLong(40)),
                    optional(charge.getLong(56)),
                    optional(charge.getLong(64)));
        }
        return List.of(found);
    }

    private static @Nullable Long optional(long number) {
        return number == Calls.NONE ? null : number;
    }

    private static Details details(Abi abi, long decision) {
        Function<String, String> text = name -> Calls.to("licentia_decision_" + name).add(decision).text();
        List<Map.Entry<String, String>> headers = text.apply("http_headers")
                .lines()
                .map(line -> line.split(": ", 2))
                .map(field -> Map.entry(field[0], field[1]))
                .collect(Collectors.toUnmodifiableList());
        long license = abi.callLong("licentia_decision_license", decision);
        return new Details(
                headers,
                text.apply("problem"),
                text.apply("explanation"),
                text.apply("explanation_json"),
                text.apply("json"),
                license == 0 ? null : Calls.to("licentia_license_json").add(license).text());
    }

    /** Whether the request may proceed. */
    public boolean isAllowed() {
        return isAllowed;
    }

    /** The reason. In advisory mode it is what an enforcing gate would have answered. */
    public Code code() {
        return Code.of(code);
    }

    /** The state in which the licence grants it; empty for a denial. */
    public Optional<State> state() {
        return Optional.ofNullable(state);
    }

    /** The code of a doubt that the licence's policy passed over: the request is allowed, and you should look into it. */
    public Optional<Code> warning() {
        return warning == 0 ? Optional.empty() : Optional.of(Code.of(warning));
    }

    /** Status code of the HTTP response; 200 if the request may proceed. */
    public int httpStatus() {
        return httpStatus;
    }

    /** Time until the same request may succeed, if waiting helps. */
    public Optional<Duration> retryAfter() {
        return retryAfterMillis == Calls.NONE ? Optional.empty() : Optional.of(Duration.ofMillis(retryAfterMillis));
    }

    /** The rates and meters of the request, with what is left of each. */
    public List<Charge> charges() {
        return charges;
    }

    /** The charge of a name, if there is one. */
    public Optional<Charge> charge(String name) {
        return charges.stream().filter(charge -> charge.name().equals(name)).findFirst();
    }

    /** The licence, if its signature is good, whether or not the request is allowed. */
    public Optional<License> license() {
        return Optional.ofNullable(license);
    }

    /**
     * Headers, problem details and the explanation: there for every denial, and for what {@link Gate#checkInDetail}
     * allowed.
     */
    public Optional<Details> details() {
        return Optional.ofNullable(details);
    }

    @Override
    public String toString() {
        return "Decision[" + (isAllowed ? "allowed" : "denied") + ": " + code() + "]";
    }
}
