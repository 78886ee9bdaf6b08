package io.licentia.servlet;

import io.licentia.Decision;
import io.licentia.Gate;
import io.licentia.Proof;
import io.licentia.Request;
import io.licentia.Tokens;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Lets a request through if its licence grants what the route needs; else answers with problem details (RFC 9457).
 *
 * <p>The token is that of {@code Authorization: Bearer}. The decision is the attribute {@link #DECISION} of the request.
 */
public final class LicenseFilter implements Filter {
    /** Name of the request's attribute with the {@link Decision}. */
    public static final String DECISION = "io.licentia.decision";

    private final Gate gate;
    private final Function<HttpServletRequest, Request> needs;
    private final @Nullable String origin;

    /** Needs the same for every request. */
    public LicenseFilter(Gate gate, Request needs) {
        this(gate, request -> needs, null);
    }

    /**
     * Needs what a function returns for a request.
     *
     * @param origin scheme, host and port that clients use, such as {@code https://api.acme.example}: what proofs of
     *     possession name. It is configured, because a client chooses {@code Host}. Null refuses every proof.
     */
    public LicenseFilter(Gate gate, Function<HttpServletRequest, Request> needs, @Nullable String origin) {
        this.gate = gate;
        this.needs = needs;
        this.origin = origin;
    }

    @Override
    public void doFilter(ServletRequest received, ServletResponse answered, FilterChain chain)
            throws IOException, ServletException {
        if (!(received instanceof HttpServletRequest request) || !(answered instanceof HttpServletResponse response)) {
            throw new ServletException("a licence can be checked for HTTP alone");
        }
        Decision decision = gate.checkInDetail(token(request), needed(request));
        for (Map.Entry<String, String> field : decision.details().orElseThrow().headers()) {
            response.addHeader(field.getKey(), field.getValue());
        }
        if (decision.isAllowed()) {
            request.setAttribute(DECISION, decision);
            chain.doFilter(request, response);
            return;
        }
        byte[] body = decision.details().orElseThrow().problem().getBytes(StandardCharsets.UTF_8);
        response.setStatus(decision.httpStatus());
        response.setContentType("application/problem+json");
        response.setContentLength(body.length);
        if (!request.getMethod().equals("HEAD")) {
            response.getOutputStream().write(body);
        }
    }

    private static @Nullable String token(HttpServletRequest request) {
        // Several fields are one list, which no scheme accepts.
        String value = String.join(", ", Collections.list(request.getHeaders("Authorization")));
        return Tokens.ofAuthorization(value).orElse(null);
    }

    private Request needed(HttpServletRequest request) {
        Request.Builder needed = needs.apply(request)
                .toBuilder()
                .action(request.getMethod() + " " + request.getRequestURI())
                .source(request.getRemoteAddr());
        String proof = request.getHeader("Licentia-Proof");
        if (proof != null) {
            String query = request.getQueryString() == null ? "" : "?" + request.getQueryString();
            String uri = origin == null ? "" : origin + request.getRequestURI() + query;
            needed.proof(Proof.of(Tokens.decodeBase64Url(proof), request.getMethod(), uri));
        }
        return needed.build();
    }
}
