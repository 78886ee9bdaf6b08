package io.licentia;

import io.licentia.internal.Calls;
import io.licentia.internal.Handle;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a request needs of a licence. Make one for each route, and use it for every request. It does not change. */
public final class Request {
    private static final Request NOTHING = builder().build();

    final Handle handle;
    private final Builder made;

    private Request(Builder builder) {
        made = new Builder(builder);
        long request = Calls.to("licentia_request_new").result().call()[0];
        handle = new Handle(this, request, "licentia_request_free");
        made.write(request);
    }

    /** A request that needs no more than a valid licence. */
    public static Request nothing() {
        return NOTHING;
    }

    /** Begins a request. */
    public static Builder builder() {
        return new Builder();
    }

    /** Begins a request that needs the same as this one. */
    public Builder toBuilder() {
        return new Builder(made);
    }

    @Override
    public String toString() {
        return "Request[features=" + made.features + ", meters=" + made.meters + ", rates=" + made.rates + "]";
    }

    /** Collects what a request needs. */
    public static final class Builder {
        private final List<String> features = new ArrayList<>();
        private final Map<String, Long> meters = new LinkedHashMap<>();
        private final Map<String, Long> rates = new LinkedHashMap<>();
        private @Nullable String audience;
        private @Nullable String action;
        private @Nullable String source;
        private @Nullable String job;
        private byte @Nullable [] node;
        private @Nullable Instant release;
        private @Nullable Proof proof;

        private Builder() {}

        private Builder(Builder other) {
            features.addAll(other.features);
            meters.putAll(other.meters);
            rates.putAll(other.rates);
            audience = other.audience;
            action = other.action;
            source = other.source;
            job = other.job;
            node = other.node;
            release = other.release;
            proof = other.proof;
        }

        /** Requires a feature. */
        public Builder feature(String name) {
            features.add(name);
            return this;
        }

        /** Charges a quota. A cost of 0 reads without charging. */
        public Builder meter(String name, long cost) {
            meters.put(name, cost(name, cost));
            return this;
        }

        /** Counts against a rate. */
        public Builder rate(String name, long cost) {
            rates.put(name, cost(name, cost));
            return this;
        }

        private static long cost(String name, long cost) {
            if (cost < 0) {
                throw new IllegalArgumentException("the cost of `" + name + "` is at least 0, not " + cost);
            }
            return cost;
        }

        /** The service's name, in place of the gate's. */
        public Builder audience(String name) {
            audience = name;
            return this;
        }

        /** The operation or route, for events, such as {@code GET /exports}. */
        public Builder action(String name) {
            action = name;
            return this;
        }

        /** The caller, for events: an address. It does not affect the decision. */
        public Builder source(String address) {
            source = address;
            return this;
        }

        /** Name of the work, at most 256 bytes. Its meters are charged once, however often it is tried. */
        public Builder job(String name) {
            job = name;
            return this;
        }

        /** SHA-256 of this machine's fingerprint, 32 bytes. */
        public Builder node(byte[] fingerprint) {
            node = digest("a fingerprint", fingerprint);
            return this;
        }

        /** Date of the running release. */
        public Builder release(Instant date) {
            release = date;
            return this;
        }

        /** A proof of possession, and the request that it came with. */
        public Builder proof(Proof proof) {
            this.proof = proof;
            return this;
        }

        /**
         * Makes the request.
         *
         * @throws LicentiaException {@code invalid_argument} for a text that is too long
         */
        public Request build() {
            return new Request(this);
        }

        private void write(long request) {
            for (String feature : features) {
                Calls.to("licentia_request_add_feature").add(request).add(feature).call();
            }
            meters.forEach((name, cost) ->
                    Calls.to("licentia_request_add_meter").add(request).add(name).add(cost).call());
            rates.forEach((name, cost) ->
                    Calls.to("licentia_request_add_rate").add(request).add(name).add(cost).call());
            set(request, "audience", audience);
            set(request, "action", action);
            set(request, "source", source);
            set(request, "job", job);
            if (node != null) {
                Calls.to("licentia_request_set_node").add(request).addFixed(node).call();
            }
            if (release != null) {
                Calls.to("licentia_request_set_release").add(request).add(release.getEpochSecond()).call();
            }
            if (proof != null) {
                Calls.to("licentia_request_set_proof")
                        .add(request)
                        .add(proof.bytes)
                        .add(proof.method)
                        .add(proof.uri)
                        .addFixed(proof.bodyDigest)
                        .call();
            }
        }

        private static void set(long request, String what, @Nullable String text) {
            if (text != null) {
                Calls.to("licentia_request_set_" + what).add(request).add(text).call();
            }
        }
    }

    static byte[] digest(String what, byte[] given) {
        if (given.length != 32) {
            throw new IllegalArgumentException(what + " has 32 bytes, not " + given.length);
        }
        return given.clone();
    }
}
