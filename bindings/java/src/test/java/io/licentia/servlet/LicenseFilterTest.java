package io.licentia.servlet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.licentia.Decision;
import io.licentia.Draft;
import io.licentia.Gate;
import io.licentia.Issuer;
import io.licentia.Request;
import io.licentia.SigningKey;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Instant;
import java.util.EnumSet;
import org.eclipse.jetty.ee11.servlet.FilterHolder;
import org.eclipse.jetty.ee11.servlet.ServletContextHandler;
import org.eclipse.jetty.ee11.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The filter in a real server. */
class LicenseFilterTest {
    private static final SigningKey KEY = SigningKey.generate();
    private static final String TOKEN = Issuer.of("acme", KEY)
            .issue(Draft.of("customer-42", "pro", 3, Instant.now(), Instant.now().plusSeconds(3600))
                    .quota("calls", "3/lifetime"));
    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private static final Server SERVER = new Server(0);

    private static final class Hello extends HttpServlet {
        private static final long serialVersionUID = 1;

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            Decision decision = (Decision) request.getAttribute(LicenseFilter.DECISION);
            response.getWriter().print("hello " + decision.license().orElseThrow().subject());
        }
    }

    @BeforeAll
    static void start() throws Exception {
        Gate gate = Gate.builder().key(KEY.publicKey()).build();
        ServletContextHandler context = new ServletContextHandler("/");
        context.addServlet(new ServletHolder(new Hello()), "/*");
        LicenseFilter filter = new LicenseFilter(
                gate, request -> Request.builder().meter("calls", 1).build(), "https://api.acme.example");
        context.addFilter(new FilterHolder(filter), "/*", EnumSet.of(DispatcherType.REQUEST));
        SERVER.setHandler(context);
        SERVER.start();
    }

    @AfterAll
    static void stop() throws Exception {
        SERVER.stop();
    }

    private static HttpResponse<String> get(String... headers) throws Exception {
        int port = ((ServerConnector) SERVER.getConnectors()[0]).getLocalPort();
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/exports"));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void aLicenceIsLetThroughUntilItsQuotaIsUsedUp() throws Exception {
        for (int at = 0; at < 3; at++) {
            HttpResponse<String> response = get("Authorization", "bearer " + TOKEN);
            assertEquals(200, response.statusCode());
            assertEquals("hello customer-42", response.body());
            assertTrue(response.headers().firstValue("ratelimit").isPresent());
        }
        HttpResponse<String> refused = get("Authorization", "Bearer " + TOKEN);
        assertEquals(429, refused.statusCode());
        assertEquals(
                "application/problem+json", refused.headers().firstValue("content-type").orElseThrow());
        assertTrue(refused.body().contains("quota_exceeded"));
        assertFalse(refused.body().contains("lic1_"));
    }

    @Test
    void othersAreRefused() throws Exception {
        assertEquals(401, get().statusCode());
        assertTrue(get().headers().firstValue("www-authenticate").isPresent());
        assertEquals(401, get("Authorization", "Basic " + TOKEN).statusCode());
        assertEquals(
                401,
                get("Authorization", "Bearer " + TOKEN, "Authorization", "Bearer " + TOKEN)
                        .statusCode());
    }
}
