package io.licentia;

import io.licentia.internal.Abi;
import io.licentia.internal.Calls;
import java.lang.ref.Reference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;

/** Collects what a gate is made of. */
public final class GateBuilder {
    private final List<LongConsumer> settings = new ArrayList<>();
    /** What the settings refer to. */
    private final List<Object> kept = new ArrayList<>();

    GateBuilder() {}

    private GateBuilder set(LongConsumer setting) {
        settings.add(setting);
        return this;
    }

    private GateBuilder number(String what, long value) {
        if (value < 0) {
            throw new IllegalArgumentException(what + " is at least 0, not " + value);
        }
        return set(builder -> Calls.to("licentia_gate_builder_" + what).add(builder).add(value).call());
    }

    private GateBuilder text(String what, String value) {
        return set(builder -> Calls.to("licentia_gate_builder_set_" + what).add(builder).add(value).call());
    }

    /** Trusts a key. */
    public GateBuilder key(Key key) {
        kept.add(key);
        return set(builder ->
                Calls.to("licentia_gate_builder_add_key").add(builder).add(key.handle.address()).call());
    }

    /** Trusts the keys of a keyset that the pinned root key signed. */
    public GateBuilder keyset(Key root, byte[] keyset) {
        kept.add(root);
        return set(builder -> Calls.to("licentia_gate_builder_set_keyset")
                .add(builder)
                .add(root.handle.address())
                .add(keyset)
                .call());
    }

    /** The revocation bundle to begin with; needs a keyset with a revocation key. */
    public GateBuilder revocation(byte[] bundle) {
        return set(builder -> Calls.to("licentia_gate_builder_set_revocation").add(builder).add(bundle).call());
    }

    /** While there is no bundle of a licence's issuer, apply the licence's policy for stale revocations. */
    public GateBuilder requireRevocation() {
        return set(builder -> Calls.to("licentia_gate_builder_require_revocation").add(builder).call());
    }

    /** The issuer that licences must be from. */
    public GateBuilder issuer(String issuer) {
        return text("issuer", issuer);
    }

    /** The name of this service, for licences that are limited to some services. */
    public GateBuilder audience(String audience) {
        return text("audience", audience);
    }

    /** Allows everything, and reports what would have been denied. */
    public GateBuilder advisory() {
        return number("set_mode", 1);
    }

    /** By how much the issuer's clock may be ahead; a minute by default. */
    public GateBuilder skew(Duration skew) {
        return number("set_skew", skew.toSeconds());
    }

    /** How old a proof of possession may be; a minute by default. */
    public GateBuilder proofAge(Duration age) {
        return number("set_proof_age", age.toSeconds());
    }

    /** How many proofs are remembered. When the memory is full, further ones are refused. */
    public GateBuilder replayCapacity(int proofs) {
        return number("set_replay_capacity", proofs);
    }

    /** How many verified tokens are cached. */
    public GateBuilder cacheCapacity(int tokens) {
        return number("set_cache_capacity", tokens);
    }

    /** Bytes for the tables of each key, which halve the time of a token that is not cached; 81,920 is the minimum. */
    public GateBuilder prepareKeys(int bytesPerKey) {
        return number("prepare_keys", bytesPerKey);
    }

    /** Counts rates together with all processes on the same store. */
    public GateBuilder shareRates() {
        return set(builder -> Calls.to("licentia_gate_builder_share_rates").add(builder).call());
    }

    /** The store of counters and marks; by default one in memory. */
    public GateBuilder store(Store store) {
        kept.add(store);
        return set(builder ->
                Calls.to("licentia_gate_builder_set_store").add(builder).add(store.handle.address()).call());
    }

    /**
     * Makes the gate.
     *
     * @throws LicentiaException for wrong settings, and for a bad keyset or bundle
     */
    public Gate build() {
        long builder = Calls.to("licentia_gate_builder_new").result().call()[0];
        try {
            settings.forEach(setting -> setting.accept(builder));
            return new Gate(Calls.to("licentia_gate_builder_build").add(builder).result().call()[0]);
        } finally {
            Abi.library().call("licentia_gate_builder_free", builder);
            Reference.reachabilityFence(kept);
        }
    }
}
