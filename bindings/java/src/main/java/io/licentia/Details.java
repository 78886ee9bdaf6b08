package io.licentia;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a decision says in texts. None of them contains a token or a key.
 *
 * @param headers the header fields of the HTTP response, by lower-case name and in their order
 * @param problem the body of a refusal: problem details (RFC 9457), {@code application/problem+json}
 * @param explanation every check that ran, a line each, for people
 * @param checks every check that ran, as a JSON array
 * @param json the decision as a JSON object, for a log
 * @param license the claims as a JSON object; null if the licence's signature is not good
 */
public record Details(
        List<Map.Entry<String, String>> headers,
        String problem,
        String explanation,
        String checks,
        String json,
        @Nullable String license) {}
