/* Keys, stores, requests and gates. Include licentia.hpp. */

#ifndef LICENTIA_GATE_HPP
#define LICENTIA_GATE_HPP

#include "decision.hpp"

namespace licentia {

/** A public key. */
class Key : public detail::Handle<licentia_key, licentia_key_free> {
  public:
    using Handle::Handle;
    static Result<Key> from_text(std::string_view text) noexcept {
        return detail::make<Key, licentia_key>(
            [&](licentia_key **key) { return licentia_key_from_text(text.data(), text.size(), key); });
    }
    static Result<Key> from_ed25519(Bytes kid, const Digest &bytes) noexcept {
        return detail::make<Key, licentia_key>([&](licentia_key **key) {
            return licentia_key_from_ed25519(kid.data, kid.size, bytes.data(), key);
        });
    }
    Text text() const noexcept {
        return detail::given([&](char **data, std::size_t *size) { return licentia_key_text(get(), data, size); });
    }
    /** The key's identifier, valid as long as the key. */
    Bytes kid() const && = delete;
    Bytes kid() const & noexcept {
        Bytes kid;
        detail::or_empty(licentia_key_kid(get(), &kid.data, &kid.size));
        return kid;
    }
    /** The 32 bytes of the Ed25519 key, valid as long as the key. */
    Bytes bytes() const && = delete;
    Bytes bytes() const & noexcept {
        Bytes bytes;
        detail::or_empty(licentia_key_bytes(get(), &bytes.data, &bytes.size));
        return bytes;
    }
};

/** A keyset, to inspect. A gate reads keysets itself. */
class Keyset : public detail::Handle<licentia_keyset, licentia_keyset_free> {
  public:
    using Handle::Handle;
    struct Times {
        std::uint64_t sequence = 0, issued_at = 0, expires = 0;
    };
    static Result<Keyset> read(const Key &root, Bytes keyset) noexcept {
        return detail::make<Keyset, licentia_keyset>([&](licentia_keyset **out) {
            return licentia_keyset_read(root.get(), keyset.data, keyset.size, out);
        });
    }
    Times times() const noexcept {
        Times times;
        detail::or_empty(licentia_keyset_times(get(), &times.sequence, &times.issued_at, &times.expires));
        return times;
    }
    /** LICENTIA_ABSENT ends the list. */
    Result<Key> key(std::size_t index) const noexcept {
        return detail::make<Key, licentia_key>(
            [&](licentia_key **key) { return licentia_keyset_key(get(), index, key); });
    }
};

/** The claims of a licence, without checking its signature: to show them, never to decide. */
inline Result<Text> unverified_json(std::string_view token) noexcept {
    return detail::give<Text, char>(
        [&](auto... out) { return licentia_token_unverified_json(token.data(), token.size(), out...); });
}

/** The bytes of a licence. */
inline Result<Buffer> decode(std::string_view token) noexcept {
    return detail::give<Buffer, std::uint8_t>(
        [&](auto... out) { return licentia_token_decode(token.data(), token.size(), out...); });
}

/** The text form of a licence's bytes. */
inline Result<Text> encode(Bytes decoded) noexcept {
    return detail::give<Text, char>(
        [&](auto... out) { return licentia_token_encode(decoded.data, decoded.size, out...); });
}

/** The token of a value of the HTTP field `Authorization` whose scheme is Bearer. */
inline Result<Text> token_from_authorization(std::string_view value) noexcept {
    return detail::give<Text, char>(
        [&](auto... out) { return licentia_token_from_authorization(value.data(), value.size(), out...); });
}

/** The bytes of base64url without padding: the form of a proof in the HTTP field `Licentia-Proof`. */
inline Result<Buffer> decode_base64url(std::string_view encoded) noexcept {
    return detail::give<Buffer, std::uint8_t>(
        [&](auto... out) { return licentia_base64url_decode(encoded.data(), encoded.size(), out...); });
}

/** The window of a period: its first second, and the first second after it, if it ends. */
struct Window {
    std::uint64_t start = 0;
    std::optional<std::uint64_t> end;
};

/** The window of a period, one of LICENTIA_PERIOD_*, that contains a time. */
inline Result<Window> period_window(std::uint32_t period, std::uint64_t time, std::uint64_t seconds = 0,
                                    std::uint64_t anchor = 0) noexcept {
    std::uint64_t start = 0, end = 0;
    Status status = licentia_period_window(period, seconds, anchor, time, &start, &end);
    return {status, Window{start, detail::optional(end)}};
}

/** A store of counters and marks. */
class Store : public detail::Handle<licentia_store, licentia_store_free> {
  public:
    using Handle::Handle;
    static Result<Store> open(std::string_view url) noexcept {
        return detail::make<Store, licentia_store>(
            [&](licentia_store **store) { return licentia_store_open(url.data(), url.size(), store); });
    }
};

/**
 * What a request needs of a licence. A gate refuses one that was moved from.
 */
class Request : public detail::Handle<licentia_request, licentia_request_free> {
  public:
    using Handle::Handle;
    Request() noexcept : Handle(fresh()) {}
    Status add_feature(std::string_view name) noexcept {
        return licentia_request_add_feature(get(), name.data(), name.size());
    }
    Status add_meter(std::string_view name, std::uint64_t cost) noexcept {
        return licentia_request_add_meter(get(), name.data(), name.size(), cost);
    }
    Status add_rate(std::string_view name, std::uint64_t cost = 1) noexcept {
        return licentia_request_add_rate(get(), name.data(), name.size(), cost);
    }
    Status set_audience(std::string_view audience) noexcept {
        return licentia_request_set_audience(get(), audience.data(), audience.size());
    }
    Status set_action(std::string_view action) noexcept {
        return licentia_request_set_action(get(), action.data(), action.size());
    }
    Status set_source(std::string_view source) noexcept {
        return licentia_request_set_source(get(), source.data(), source.size());
    }
    Status set_job(std::string_view job) noexcept { return licentia_request_set_job(get(), job.data(), job.size()); }
    Status set_node(const Digest &node) noexcept { return licentia_request_set_node(get(), node.data()); }
    Status set_release(std::uint64_t date) noexcept { return licentia_request_set_release(get(), date); }
    Status set_proof(Bytes proof, std::string_view method, std::string_view uri,
                     const Digest *body = nullptr) noexcept {
        return licentia_request_set_proof(get(), proof.data, proof.size, method.data(), method.size(), uri.data(),
                                          uri.size(), body == nullptr ? nullptr : body->data());
    }
    Status clear() noexcept { return licentia_request_clear(get()); }

  private:
    static licentia_request *fresh() noexcept {
        licentia_request *request = nullptr;
        detail::or_empty(licentia_request_new(&request));
        return request;
    }
};

/** Units of meters that are reserved. Without a commit they go back. */
class Reservation : public detail::Handle<licentia_reservation, licentia_reservation_free> {
  public:
    using Handle::Handle;
    explicit operator bool() const noexcept { return get() != nullptr; }
    Status set_cost(std::string_view meter, std::uint64_t cost) noexcept {
        return licentia_reservation_set_cost(get(), meter.data(), meter.size(), cost);
    }
    Status commit() noexcept { return licentia_reservation_commit(get()); }
};

/** A seat that is held. Without a release it stays taken until its time is over. Destroy it before its gate. */
class Seat : public detail::Handle<licentia_seat, licentia_seat_free> {
  public:
    using Handle::Handle;
    explicit operator bool() const noexcept { return get() != nullptr; }
    Result<Decision> heartbeat(const Request &request) noexcept {
        return detail::make<Decision, licentia_decision>([&](licentia_decision **decision) {
            return licentia_seat_heartbeat(get(), request.get(), decision);
        });
    }
    Result<Decision> heartbeat_at(const Request &request, std::uint64_t seconds,
                                  std::uint64_t monotonic_nanos) noexcept {
        return detail::make<Decision, licentia_decision>([&](licentia_decision **decision) {
            return licentia_seat_heartbeat_at(get(), request.get(), seconds, monotonic_nanos, decision);
        });
    }
    Result<Decision> heartbeat(const Request &&) = delete;
    Result<Decision> heartbeat_at(const Request &&, std::uint64_t, std::uint64_t) = delete;
    std::optional<std::uint64_t> until() const noexcept { return detail::optional(licentia_seat_until(get())); }
    Status release() noexcept { return licentia_seat_release(get()); }
};

/** A thread that fetches units for a gate before requests need them. It ends with this handle. */
class Refiller : public detail::Handle<licentia_refiller, licentia_refiller_free> {
  public:
    using Handle::Handle;
};

/** A watched file with a revocation bundle. The watch ends with this handle. */
class Watch : public detail::Handle<licentia_watch, licentia_watch_free> {
  public:
    using Handle::Handle;
};

/** Decides whether API requests may proceed. */
class Gate : public detail::Handle<licentia_gate, licentia_gate_free> {
  public:
    using Handle::Handle;
    Result<Decision> check(std::string_view token, const Request &request) const noexcept {
        return detail::make<Decision, licentia_decision>([&](licentia_decision **decision) {
            return licentia_gate_check(get(), token.data(), token.size(), request.get(), decision);
        });
    }
    /** The decision borrows from the request, which must outlive it. */
    Result<Decision> check(std::string_view token, const Request &&request) const = delete;
    /** Checks a request that needs only a good licence. */
    Result<Decision> check(std::string_view token) const noexcept {
        const Request nothing;
        return check(token, nothing);
    }
    Result<Decision> check_at(std::string_view token, const Request &request, std::uint64_t seconds,
                              std::uint64_t monotonic_nanos) const noexcept {
        return detail::make<Decision, licentia_decision>([&](licentia_decision **decision) {
            return licentia_gate_check_at(get(), token.data(), token.size(), request.get(), seconds,
                                          monotonic_nanos, decision);
        });
    }
    Result<Decision> check_at(std::string_view, const Request &&, std::uint64_t, std::uint64_t) const = delete;
    /** The reservation is empty if the request is denied. */
    Result<std::pair<Decision, Reservation>> reserve(std::string_view token, const Request &request) const noexcept {
        licentia_decision *decision = nullptr;
        licentia_reservation *reservation = nullptr;
        Status status =
            licentia_gate_reserve(get(), token.data(), token.size(), request.get(), &decision, &reservation);
        return {status, {Decision(decision), Reservation(reservation)}};
    }
    Result<std::pair<Decision, Reservation>> reserve_at(std::string_view token, const Request &request,
                                                        std::uint64_t seconds,
                                                        std::uint64_t monotonic_nanos) const noexcept {
        licentia_decision *decision = nullptr;
        licentia_reservation *reservation = nullptr;
        Status status = licentia_gate_reserve_at(get(), token.data(), token.size(), request.get(), seconds,
                                                 monotonic_nanos, &decision, &reservation);
        return {status, {Decision(decision), Reservation(reservation)}};
    }
    Result<std::pair<Decision, Reservation>> reserve(std::string_view, const Request &&) const = delete;
    Result<std::pair<Decision, Reservation>> reserve_at(std::string_view, const Request &&, std::uint64_t,
                                                        std::uint64_t) const = delete;
    /** The seat is empty if the request is denied. */
    Result<std::pair<Decision, Seat>> check_out(std::string_view token, std::string_view holder, std::uint64_t ttl,
                                                const Request &request) const noexcept {
        licentia_decision *decision = nullptr;
        licentia_seat *seat = nullptr;
        Status status = licentia_gate_check_out(get(), token.data(), token.size(), holder.data(), holder.size(), ttl,
                                                request.get(), &decision, &seat);
        return {status, {Decision(decision), Seat(seat)}};
    }
    Result<std::pair<Decision, Seat>> check_out_at(std::string_view token, std::string_view holder, std::uint64_t ttl,
                                                   const Request &request, std::uint64_t seconds,
                                                   std::uint64_t monotonic_nanos) const noexcept {
        licentia_decision *decision = nullptr;
        licentia_seat *seat = nullptr;
        Status status = licentia_gate_check_out_at(get(), token.data(), token.size(), holder.data(), holder.size(), ttl,
                                                   request.get(), seconds, monotonic_nanos, &decision, &seat);
        return {status, {Decision(decision), Seat(seat)}};
    }
    Result<std::pair<Decision, Seat>> check_out(std::string_view, std::string_view, std::uint64_t,
                                                const Request &&) const = delete;
    Result<std::pair<Decision, Seat>> check_out_at(std::string_view, std::string_view, std::uint64_t, const Request &&,
                                                   std::uint64_t, std::uint64_t) const = delete;
    Result<Refiller> refill(std::uint64_t interval_ms) const noexcept {
        return detail::make<Refiller, licentia_refiller>(
            [&](licentia_refiller **refiller) { return licentia_refiller_start(get(), interval_ms, refiller); });
    }
    Status settle() const noexcept { return licentia_gate_settle(get()); }
    Status after_fork() const noexcept { return licentia_gate_after_fork(get()); }
    Result<bool> load_keyset(Bytes keyset) const noexcept {
        bool changed = false;
        Status status = licentia_gate_load_keyset(get(), keyset.data, keyset.size, &changed);
        return {status, changed};
    }
    Result<bool> load_revocation(Bytes bundle) const noexcept {
        bool changed = false;
        Status status = licentia_gate_load_revocation(get(), bundle.data, bundle.size, &changed);
        return {status, changed};
    }
    /**
     * Calls `report` with the code of a later failure, on a thread of the library. An exception from it ends the program.
     */
    template <class Report>
    Result<Watch> watch_revocation(std::string_view path, std::uint64_t interval_ms, Report report) const {
        auto call = [](void *context, licentia_code code) noexcept { (*static_cast<Report *>(context))(code); };
        auto free = [](void *context) noexcept { delete static_cast<Report *>(context); };
        auto *context = new Report(std::move(report));
        return detail::make<Watch, licentia_watch>([&](licentia_watch **watch) {
            return licentia_gate_watch_revocation(get(), path.data(), path.size(), interval_ms, call, context, free,
                                                  watch);
        });
    }
};

#if defined(LICENTIA_HOLDER)
/** Counts what gates grant, and writes signed receipts to a log of this instance. */
class Receipts : public detail::Handle<licentia_receipts, licentia_receipts_free> {
  public:
    using Handle::Handle;
    static Result<Receipts> open(std::string_view path, std::string_view key) noexcept {
        return detail::make<Receipts, licentia_receipts>([&](licentia_receipts **receipts) {
            return licentia_receipts_open(path.data(), path.size(), key.data(), key.size(), receipts);
        });
    }
    Digest instance() const noexcept {
        Digest instance{};
        detail::or_empty(licentia_receipts_instance(get(), instance.data()));
        return instance;
    }
    /**
     * Writes what was counted, and calls `take(const uint8_t *, size_t)` with each new receipt. An exception from it ends
     * the program.
     */
    template <class Take> Status write(std::uint64_t now, Take take) const noexcept {
        return licentia_receipts_write(get(), now, &call<Take>, &take);
    }
    /** Calls `take` with each receipt that the vendor has not acknowledged. An exception from it ends the program. */
    template <class Take> Status unacknowledged(Take take) const noexcept {
        return licentia_receipts_unacknowledged(get(), &call<Take>, &take);
    }
    Status acknowledge(Bytes acknowledgement, const Key &vendor) const noexcept {
        return licentia_receipts_acknowledge(get(), acknowledgement.data, acknowledgement.size, vendor.get());
    }

  private:
    template <class Take> static void call(void *context, const std::uint8_t *receipt, std::size_t length) noexcept {
        (*static_cast<Take *>(context))(receipt, length);
    }
};
#endif

/** Builds gates. build() returns the status of the first step that failed. */
class GateBuilder : public detail::Handle<licentia_gate_builder, licentia_gate_builder_free> {
  public:
    using Handle::Handle;
    GateBuilder() noexcept : Handle(fresh()) {}
    GateBuilder &key(const Key &key) noexcept { return note(licentia_gate_builder_add_key(get(), key.get())); }
    GateBuilder &keyset(const Key &root, Bytes keyset) noexcept {
        return note(licentia_gate_builder_set_keyset(get(), root.get(), keyset.data, keyset.size));
    }
    GateBuilder &revocation(Bytes bundle) noexcept {
        return note(licentia_gate_builder_set_revocation(get(), bundle.data, bundle.size));
    }
    GateBuilder &issuer(std::string_view issuer) noexcept {
        return note(licentia_gate_builder_set_issuer(get(), issuer.data(), issuer.size()));
    }
    GateBuilder &audience(std::string_view audience) noexcept {
        return note(licentia_gate_builder_set_audience(get(), audience.data(), audience.size()));
    }
    GateBuilder &mode(std::uint32_t mode) noexcept { return note(licentia_gate_builder_set_mode(get(), mode)); }
    GateBuilder &skew(std::uint64_t seconds) noexcept {
        return note(licentia_gate_builder_set_skew(get(), seconds));
    }
    GateBuilder &proof_age(std::uint64_t seconds) noexcept {
        return note(licentia_gate_builder_set_proof_age(get(), seconds));
    }
    GateBuilder &proof_nonces(const Digest *secret, bool required) noexcept {
        return note(licentia_gate_builder_set_proof_nonces(
            get(), secret == nullptr ? nullptr : secret->data(), required));
    }
    GateBuilder &prepare_keys(std::size_t bytes_per_key) noexcept {
        return note(licentia_gate_builder_prepare_keys(get(), bytes_per_key));
    }
    GateBuilder &require_revocation() noexcept { return note(licentia_gate_builder_require_revocation(get())); }
    GateBuilder &share_rates() noexcept { return note(licentia_gate_builder_share_rates(get())); }
    GateBuilder &cache_capacity(std::size_t tokens) noexcept {
        return note(licentia_gate_builder_set_cache_capacity(get(), tokens));
    }
    GateBuilder &replay_capacity(std::size_t proofs) noexcept {
        return note(licentia_gate_builder_set_replay_capacity(get(), proofs));
    }
    GateBuilder &store(const Store &store) noexcept {
        return note(licentia_gate_builder_set_store(get(), store.get()));
    }
    /** Calls `sink` with every event, on the thread that checks. An exception from it ends the program. */
    template <class Sink> GateBuilder &sink(Sink sink) {
        auto call = [](void *context, const licentia_event *event) noexcept {
            (*static_cast<Sink *>(context))(Event(event));
        };
        auto free = [](void *context) noexcept { delete static_cast<Sink *>(context); };
        return note(licentia_gate_builder_add_sink(get(), call, new Sink(std::move(sink)), free));
    }
#if defined(LICENTIA_HOLDER)
    GateBuilder &receipts(const Receipts &receipts) noexcept {
        return note(licentia_gate_builder_add_receipts(get(), receipts.get()));
    }
#endif
    Result<Gate> build() const noexcept {
        if (!status_) return {status_, Gate()};
        return detail::make<Gate, licentia_gate>(
            [&](licentia_gate **gate) { return licentia_gate_builder_build(get(), gate); });
    }

  private:
    static licentia_gate_builder *fresh() noexcept {
        licentia_gate_builder *builder = nullptr;
        detail::or_empty(licentia_gate_builder_new(&builder));
        return builder;
    }
    GateBuilder &note(Status status) noexcept {
        if (status_) status_ = status;
        return *this;
    }
    Status status_ = LICENTIA_OK;
};

#if defined(LICENTIA_HOLDER)
/** A customer's private key, to which a licence can be bound. */
class HolderKey : public detail::Handle<licentia_holder_key, licentia_holder_key_free> {
  public:
    using Handle::Handle;
    static Result<HolderKey> from_seed(const Digest &seed) noexcept {
        return detail::make<HolderKey, licentia_holder_key>(
            [&](licentia_holder_key **key) { return licentia_holder_key_from_seed(seed.data(), key); });
    }
    static Result<HolderKey> from_pem(std::string_view pem) noexcept {
        return detail::make<HolderKey, licentia_holder_key>(
            [&](licentia_holder_key **key) { return licentia_holder_key_from_pem(pem.data(), pem.size(), key); });
    }
    Digest thumbprint() const noexcept {
        Digest key{}, thumbprint{};
        detail::or_empty(licentia_holder_key_public(get(), key.data(), thumbprint.data()));
        return thumbprint;
    }
    Result<Buffer> prove(std::string_view token, std::string_view method, std::string_view uri, std::uint64_t now,
                         const Digest *body = nullptr) const noexcept {
        return detail::give<Buffer, std::uint8_t>([&](auto... out) {
            return licentia_holder_key_prove(get(), token.data(), token.size(), method.data(), method.size(),
                                         uri.data(), uri.size(), body == nullptr ? nullptr : body->data(), now,
                                         out...);
        });
    }
    /** As prove, with the nonce that the service has handed out. */
    Result<Buffer> prove_with_nonce(std::string_view token, std::string_view method, std::string_view uri,
                                    std::string_view nonce, std::uint64_t now,
                                    const Digest *body = nullptr) const noexcept {
        return detail::give<Buffer, std::uint8_t>([&](auto... out) {
            return licentia_holder_key_prove_with_nonce(
                get(), token.data(), token.size(), method.data(), method.size(), uri.data(), uri.size(),
                body == nullptr ? nullptr : body->data(), nonce.data(), nonce.size(), now, out...);
        });
    }
};
#endif

} // namespace licentia

#endif
