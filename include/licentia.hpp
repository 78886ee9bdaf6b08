/*
 * Licentia for C++17: licentia.h with handles that free themselves, and std::string_view. Nothing here throws, and
 * nothing is compiled but this header; see licentia.h for what each function does.
 *
 * A function that can fail gives a Result: test it, then use it as a pointer. What is moved away is empty, and is
 * answered with LICENTIA_CODE_INVALID_ARGUMENT. Decisions are freed before their gate and request.
 */

#ifndef LICENTIA_HPP
#define LICENTIA_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "licentia.h"

namespace licentia {

/** Bytes that belong to somebody else. */
struct Bytes {
    const std::uint8_t *data = nullptr;
    std::size_t size = 0;
};

/** 32 bytes: a digest, a fingerprint, a seed, a public key. */
using Digest = std::array<std::uint8_t, 32>;
/** 16 bytes: an identifier. */
using Id = std::array<std::uint8_t, 16>;

/** What a function answers: true on success. */
class Status {
  public:
    constexpr Status(licentia_status value = 0) noexcept : value_(value) {}
    constexpr explicit operator bool() const noexcept { return value_ == LICENTIA_OK; }
    constexpr licentia_status value() const noexcept { return value_; }
    const char *name() const noexcept { return licentia_status_name(value_); }
    const char *message() const noexcept { return licentia_status_message(value_); }
    const char *advice() const noexcept { return licentia_status_advice(value_); }

  private:
    licentia_status value_;
};

/** A value, or why there is none. */
template <class T> class Result {
  public:
    Result(Status status, T value) noexcept : status_(status), value_(std::move(value)) {}
    explicit operator bool() const noexcept { return static_cast<bool>(status_); }
    Status status() const noexcept { return status_; }
    T &operator*() noexcept { return value_; }
    const T &operator*() const noexcept { return value_; }
    T *operator->() noexcept { return &value_; }
    const T *operator->() const noexcept { return &value_; }

  private:
    Status status_;
    T value_;
};

namespace detail {

template <auto Free> struct Deleter {
    template <class T> void operator()(T *handle) const noexcept { Free(handle); }
};

/** A handle that frees itself. */
template <class T, auto Free> class Handle {
  public:
    explicit Handle(T *handle = nullptr) noexcept : handle_(handle) {}
    T *get() const noexcept { return handle_.get(); }

  private:
    std::unique_ptr<T, Deleter<Free>> handle_;
};

/** Asks a function for a new handle. */
template <class Wrapper, class T, class Make> Result<Wrapper> make(Make &&function) noexcept {
    T *handle = nullptr;
    Status status = function(&handle);
    return {status, Wrapper(handle)};
}

/** Asks a function for a text that it lends. */
template <class Lend> std::string_view lent(Lend &&function) noexcept {
    const char *data = nullptr;
    std::size_t size = 0;
    return function(&data, &size) == LICENTIA_OK ? std::string_view(data, size) : std::string_view();
}

inline std::optional<std::uint64_t> optional(std::uint64_t value) noexcept {
    return value == LICENTIA_NONE ? std::nullopt : std::optional<std::uint64_t>(value);
}

} // namespace detail

/** Text that was given away. */
class Text : detail::Handle<char, licentia_string_free> {
  public:
    explicit Text(char *data = nullptr, std::size_t size = 0) noexcept : Handle(data), size_(size) {}
    std::string_view view() const noexcept { return {c_str(), size_}; }
    operator std::string_view() const noexcept { return view(); }
    const char *c_str() const noexcept { return get() == nullptr ? "" : get(); }

  private:
    std::size_t size_;
};

/** Bytes that were given away. */
class Buffer : detail::Handle<std::uint8_t, licentia_bytes_free> {
  public:
    explicit Buffer(std::uint8_t *data = nullptr, std::size_t size = 0) noexcept : Handle(data), size_(size) {}
    operator Bytes() const noexcept { return {get(), size_}; }
    const std::uint8_t *data() const noexcept { return get(); }
    std::size_t size() const noexcept { return size_; }

  private:
    std::size_t size_;
};

namespace detail {

/** Asks a function for a text that it gives away; empty where it does not. */
template <class Give> Text given(Give &&function) noexcept {
    char *data = nullptr;
    std::size_t size = 0;
    function(&data, &size);
    return Text(data, size);
}

template <class Wrapper, class T, class Give> Result<Wrapper> give(Give &&function) noexcept {
    T *data = nullptr;
    std::size_t size = 0;
    Status status = function(&data, &size);
    return {status, Wrapper(data, size)};
}

} // namespace detail

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
};

/** What a keyset says, to look at. A gate reads keysets itself. */
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
        licentia_keyset_times(get(), &times.sequence, &times.issued_at, &times.expires);
        return times;
    }
    /** LICENTIA_ABSENT ends the list. */
    Result<Key> key(std::size_t index) const noexcept {
        return detail::make<Key, licentia_key>(
            [&](licentia_key **key) { return licentia_keyset_key(get(), index, key); });
    }
};

/** What a licence claims, without a look at its signature: to show it, never to decide. */
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

/** Where counters and marks are kept. */
class Store : public detail::Handle<licentia_store, licentia_store_free> {
  public:
    using Handle::Handle;
    static Result<Store> open(std::string_view url) noexcept {
        return detail::make<Store, licentia_store>(
            [&](licentia_store **store) { return licentia_store_open(url.data(), url.size(), store); });
    }
};

/** What a request needs of a licence. */
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
        licentia_request_new(&request);
        return request;
    }
};

/** A feature of a licence. */
struct Feature {
    licentia_feature raw{};
    bool is_true() const noexcept { return raw.kind == LICENTIA_VALUE_TRUE; }
    std::optional<std::int64_t> number() const noexcept {
        return raw.kind == LICENTIA_VALUE_INT ? std::optional<std::int64_t>(raw.number) : std::nullopt;
    }
    std::string_view text() const noexcept { return {raw.text, raw.text_len}; }
    std::optional<std::uint64_t> expires() const noexcept { return detail::optional(raw.expires); }
};

/** A licence that was verified: a view of its decision. */
class License {
  public:
    explicit License(const licentia_license *license) noexcept : license_(license) {}
    std::string_view subject() const noexcept {
        return detail::lent([&](auto... out) { return licentia_license_subject(license_, out...); });
    }
    std::string_view issuer() const noexcept {
        return detail::lent([&](auto... out) { return licentia_license_issuer(license_, out...); });
    }
    std::pair<std::string_view, std::uint64_t> tier() const noexcept {
        const char *name = nullptr;
        std::size_t size = 0;
        std::uint64_t version = 0;
        licentia_license_tier(license_, &name, &size, &version);
        return {std::string_view(name, size), version};
    }
    struct Times {
        std::optional<std::uint64_t> not_before, term_end;
        std::uint64_t issued_at = 0, expires = 0;
    };
    Times times() const noexcept {
        Times times;
        std::uint64_t not_before = LICENTIA_NONE, term_end = LICENTIA_NONE;
        licentia_license_times(license_, &times.issued_at, &not_before, &term_end, &times.expires);
        times.not_before = detail::optional(not_before);
        times.term_end = detail::optional(term_end);
        return times;
    }
    Id id() const noexcept { return ids().first; }
    Id lineage() const noexcept { return ids().second; }
    Result<Feature> feature(std::string_view name) const noexcept {
        Feature feature;
        Status status =
            licentia_license_feature(license_, name.data(), name.size(), sizeof feature.raw, &feature.raw);
        return {status, feature};
    }
    Text json() const noexcept {
        return detail::given([&](auto... out) { return licentia_license_json(license_, out...); });
    }

  private:
    std::pair<Id, Id> ids() const noexcept {
        std::pair<Id, Id> ids{};
        licentia_license_ids(license_, ids.first.data(), ids.second.data());
        return ids;
    }
    const licentia_license *license_;
};

/** What a rate or meter was asked for and has left. */
struct Charge {
    licentia_charge raw{};
    std::string_view name() const noexcept { return {raw.name, raw.name_len}; }
    bool is_rate() const noexcept { return raw.unit == LICENTIA_UNIT_RATE; }
    std::uint64_t cost() const noexcept { return raw.cost; }
    std::uint64_t limit() const noexcept { return raw.limit; }
    std::uint64_t remaining() const noexcept { return raw.remaining; }
    std::optional<std::uint64_t> window() const noexcept { return detail::optional(raw.window); }
    std::optional<std::uint64_t> reset_ms() const noexcept { return detail::optional(raw.reset_ms); }
    std::optional<std::uint64_t> retry_after_ms() const noexcept { return detail::optional(raw.retry_after_ms); }
};

/** A decision, to look at. */
class DecisionView {
  public:
    explicit DecisionView(const licentia_decision *decision) noexcept : decision_(decision) {}
    bool is_allowed() const noexcept { return licentia_decision_is_allowed(decision_); }
    licentia_code code() const noexcept { return licentia_decision_code(decision_); }
    const char *name() const noexcept { return licentia_status_name(code()); }
    std::uint32_t state() const noexcept { return licentia_decision_state(decision_); }
    licentia_code warning() const noexcept { return licentia_decision_warning(decision_); }
    std::optional<std::uint64_t> retry_after_ms() const noexcept {
        return detail::optional(licentia_decision_retry_after_ms(decision_));
    }
    std::uint32_t http_status() const noexcept { return licentia_decision_http_status(decision_); }
    Text http_headers() const noexcept {
        return detail::given([&](auto... out) { return licentia_decision_http_headers(decision_, out...); });
    }
    Text problem() const noexcept {
        return detail::given([&](auto... out) { return licentia_decision_problem(decision_, out...); });
    }
    Text explanation() const noexcept {
        return detail::given([&](auto... out) { return licentia_decision_explanation(decision_, out...); });
    }
    Text explanation_json() const noexcept {
        return detail::given([&](auto... out) { return licentia_decision_explanation_json(decision_, out...); });
    }
    Text json() const noexcept {
        return detail::given([&](auto... out) { return licentia_decision_json(decision_, out...); });
    }
    std::optional<License> license() const noexcept {
        const licentia_license *license = licentia_decision_license(decision_);
        return license == nullptr ? std::nullopt : std::optional<License>(License(license));
    }
    std::optional<Charge> charge(std::size_t index) const noexcept {
        Charge charge;
        Status status = licentia_decision_charge(decision_, index, sizeof charge.raw, &charge.raw);
        return status ? std::optional<Charge>(charge) : std::nullopt;
    }

  private:
    const licentia_decision *decision_;
};

/** What a gate says to a request. */
class Decision : public detail::Handle<licentia_decision, licentia_decision_free> {
  public:
    using Handle::Handle;
    DecisionView view() const noexcept { return DecisionView(get()); }
    bool is_allowed() const noexcept { return view().is_allowed(); }
    licentia_code code() const noexcept { return view().code(); }
};

/** Units of meters that are reserved; what is not committed is taken back. */
class Reservation : public detail::Handle<licentia_reservation, licentia_reservation_free> {
  public:
    using Handle::Handle;
    explicit operator bool() const noexcept { return get() != nullptr; }
    Status set_cost(std::string_view meter, std::uint64_t cost) noexcept {
        return licentia_reservation_set_cost(get(), meter.data(), meter.size(), cost);
    }
    Status commit() noexcept { return licentia_reservation_commit(get()); }
};

/** A thread that looks after a gate's meters. */
class Keeper : public detail::Handle<licentia_keeper, licentia_keeper_free> {
  public:
    using Handle::Handle;
};

/** A file with a revocation bundle that is watched. */
class Watch : public detail::Handle<licentia_watch, licentia_watch_free> {
  public:
    using Handle::Handle;
};

/** Decides whether requests may go on. */
class Gate : public detail::Handle<licentia_gate, licentia_gate_free> {
  public:
    using Handle::Handle;
    Result<Decision> check(std::string_view token, const Request &request) const noexcept {
        return detail::make<Decision, licentia_decision>([&](licentia_decision **decision) {
            return licentia_gate_check(get(), token.data(), token.size(), request.get(), decision);
        });
    }
    Result<Decision> check_at(std::string_view token, const Request &request, std::uint64_t seconds,
                              std::uint64_t monotonic_nanos) const noexcept {
        return detail::make<Decision, licentia_decision>([&](licentia_decision **decision) {
            return licentia_gate_check_at(get(), token.data(), token.size(), request.get(), seconds,
                                          monotonic_nanos, decision);
        });
    }
    /** The reservation is empty where the request may not go on. */
    Result<std::pair<Decision, Reservation>> reserve(std::string_view token, const Request &request) const noexcept {
        licentia_decision *decision = nullptr;
        licentia_reservation *reservation = nullptr;
        Status status =
            licentia_gate_reserve(get(), token.data(), token.size(), request.get(), &decision, &reservation);
        return {status, {Decision(decision), Reservation(reservation)}};
    }
    Result<Keeper> keep(std::uint64_t interval_ms) const noexcept {
        return detail::make<Keeper, licentia_keeper>(
            [&](licentia_keeper **keeper) { return licentia_keeper_start(get(), interval_ms, keeper); });
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
    /** Calls `report` with the code of what later goes wrong, on a thread of the library's own. It must not throw. */
    template <class Report>
    Result<Watch> watch_revocation(std::string_view path, std::uint64_t interval_ms, Report report) const {
        auto call = [](void *context, licentia_code code) { (*static_cast<Report *>(context))(code); };
        auto free = [](void *context) { delete static_cast<Report *>(context); };
        auto *context = new Report(std::move(report));
        return detail::make<Watch, licentia_watch>([&](licentia_watch **watch) {
            return licentia_gate_watch_revocation(get(), path.data(), path.size(), interval_ms, call, context, free,
                                                  watch);
        });
    }
};

/** A decision and its circumstances, while it is told. */
class Event {
  public:
    explicit Event(const licentia_event *event) noexcept : event_(event) {}
    DecisionView decision() const noexcept { return DecisionView(licentia_event_decision(event_)); }
    std::string_view action() const noexcept {
        return detail::lent([&](auto... out) { return licentia_event_action(event_, out...); });
    }
    std::string_view source() const noexcept {
        return detail::lent([&](auto... out) { return licentia_event_source(event_, out...); });
    }
    std::uint64_t at() const noexcept { return licentia_event_at(event_); }
    std::uint64_t took_nanos() const noexcept { return licentia_event_took_nanos(event_); }
    Text json() const noexcept {
        return detail::given([&](auto... out) { return licentia_event_json(event_, out...); });
    }

  private:
    const licentia_event *event_;
};

#if defined(LICENTIA_HOLDER)
/** Counts what gates grant, and writes it down as signed receipts in a log of this instance's own. */
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
        licentia_receipts_instance(get(), instance.data());
        return instance;
    }
    /** Writes what was counted, and calls `take(const uint8_t *, size_t)` with each new receipt. It must not throw. */
    template <class Take> Status write(std::uint64_t now, Take take) const noexcept {
        return licentia_receipts_write(get(), now, &call<Take>, &take);
    }
    /** Calls `take` with each receipt that the vendor has not acknowledged. It must not throw. */
    template <class Take> Status unacknowledged(Take take) const noexcept {
        return licentia_receipts_unacknowledged(get(), &call<Take>, &take);
    }

  private:
    template <class Take> static void call(void *context, const std::uint8_t *receipt, std::size_t length) {
        (*static_cast<Take *>(context))(receipt, length);
    }
};
#endif

/** Makes a gate. The first step that fails is kept, and build() answers with it. */
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
    GateBuilder &prepare(std::size_t bytes_per_key) noexcept {
        return note(licentia_gate_builder_set_prepare(get(), bytes_per_key));
    }
    GateBuilder &cache_capacity(std::size_t tokens) noexcept {
        return note(licentia_gate_builder_set_cache_capacity(get(), tokens));
    }
    GateBuilder &replay_capacity(std::size_t proofs) noexcept {
        return note(licentia_gate_builder_set_replay_capacity(get(), proofs));
    }
    GateBuilder &store(const Store &store) noexcept {
        return note(licentia_gate_builder_set_store(get(), store.get()));
    }
    /** Calls `sink` with every event; any thread may, and several at once. It must not throw. */
    template <class Sink> GateBuilder &sink(Sink sink) {
        auto call = [](void *context, const licentia_event *event) { (*static_cast<Sink *>(context))(Event(event)); };
        auto free = [](void *context) { delete static_cast<Sink *>(context); };
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
        licentia_gate_builder_new(&builder);
        return builder;
    }
    GateBuilder &note(Status status) noexcept {
        if (status_) status_ = status;
        return *this;
    }
    Status status_ = LICENTIA_OK;
};

#if defined(LICENTIA_HOLDER)
/** A holder's private key. */
class Holder : public detail::Handle<licentia_holder, licentia_holder_free> {
  public:
    using Handle::Handle;
    static Result<Holder> from_seed(const Digest &seed) noexcept {
        return detail::make<Holder, licentia_holder>(
            [&](licentia_holder **holder) { return licentia_holder_from_seed(seed.data(), holder); });
    }
    static Result<Holder> from_pem(std::string_view pem) noexcept {
        return detail::make<Holder, licentia_holder>(
            [&](licentia_holder **holder) { return licentia_holder_from_pem(pem.data(), pem.size(), holder); });
    }
    Digest thumbprint() const noexcept {
        Digest key{}, thumbprint{};
        licentia_holder_public(get(), key.data(), thumbprint.data());
        return thumbprint;
    }
    Result<Buffer> prove(std::string_view token, std::string_view method, std::string_view uri, std::uint64_t now,
                         const Digest *body = nullptr) const noexcept {
        return detail::give<Buffer, std::uint8_t>([&](auto... out) {
            return licentia_holder_prove(get(), token.data(), token.size(), method.data(), method.size(),
                                         uri.data(), uri.size(), body == nullptr ? nullptr : body->data(), now,
                                         out...);
        });
    }
};
#endif

#if defined(LICENTIA_ISSUER)
/** A vendor's private key. */
class SigningKey : public detail::Handle<licentia_signing_key, licentia_signing_key_free> {
  public:
    using Handle::Handle;
    static Result<SigningKey> generate() noexcept {
        return detail::make<SigningKey, licentia_signing_key>(licentia_signing_key_generate);
    }
    static Result<SigningKey> from_pem(std::string_view pem, const std::string_view *passphrase = nullptr) noexcept {
        return detail::make<SigningKey, licentia_signing_key>([&](licentia_signing_key **key) {
            return licentia_signing_key_from_pem(pem.data(), pem.size(),
                                                 passphrase == nullptr ? nullptr : passphrase->data(),
                                                 passphrase == nullptr ? 0 : passphrase->size(), key);
        });
    }
    static Result<SigningKey> from_seed(const Digest &seed) noexcept {
        return detail::make<SigningKey, licentia_signing_key>(
            [&](licentia_signing_key **key) { return licentia_signing_key_from_seed(seed.data(), key); });
    }
    /** In the clear where there is no passphrase. */
    Result<Text> pem(const std::string_view *passphrase = nullptr) const noexcept {
        return detail::give<Text, char>([&](auto... out) {
            return licentia_signing_key_pem(get(), passphrase == nullptr ? nullptr : passphrase->data(),
                                            passphrase == nullptr ? 0 : passphrase->size(), out...);
        });
    }
    Result<std::array<std::uint8_t, 64>> sign(Bytes message) const noexcept {
        std::array<std::uint8_t, 64> signature{};
        Status status = licentia_signing_key_sign(get(), message.data, message.size, signature.data());
        return {status, signature};
    }
    /** Signs a keyset, a TOML text, with this root key. */
    Result<Buffer> sign_keyset(std::string_view draft, std::uint64_t issued_at, std::uint64_t expires) const noexcept {
        return detail::give<Buffer, std::uint8_t>([&](auto... out) {
            return licentia_signing_key_sign_keyset(get(), draft.data(), draft.size(), issued_at, expires, out...);
        });
    }
    Result<Key> public_key() const noexcept {
        return detail::make<Key, licentia_key>(
            [&](licentia_key **key) { return licentia_signing_key_public(get(), key); });
    }
};

/** A licence before it is signed. */
class Draft : public detail::Handle<licentia_draft, licentia_draft_free> {
  public:
    using Handle::Handle;
    static Result<Draft> make(std::string_view subject, std::string_view tier, std::uint64_t version,
                              std::uint64_t issued_at, std::uint64_t expires) noexcept {
        return detail::make<Draft, licentia_draft>([&](licentia_draft **draft) {
            return licentia_draft_new(subject.data(), subject.size(), tier.data(), tier.size(), version, issued_at,
                                      expires, draft);
        });
    }
    Status add_feature(std::string_view name, std::string_view value) noexcept {
        return licentia_draft_add_feature(get(), name.data(), name.size(), value.data(), value.size());
    }
    Status add_quota(std::string_view meter, std::string_view quota) noexcept {
        return licentia_draft_add_quota(get(), meter.data(), meter.size(), quota.data(), quota.size());
    }
    Status add_rate(std::string_view name, std::string_view rate) noexcept {
        return licentia_draft_add_rate(get(), name.data(), name.size(), rate.data(), rate.size());
    }
    Status add_audience(std::string_view audience) noexcept {
        return licentia_draft_add_audience(get(), audience.data(), audience.size());
    }
    Status add_meta(std::string_view name, std::string_view value) noexcept {
        return licentia_draft_add_meta(get(), name.data(), name.size(), value.data(), value.size());
    }
    Status add_node_lock(const Digest &node) noexcept { return licentia_draft_add_node_lock(get(), node.data()); }
    Status set_lineage(const Id &lineage) noexcept { return licentia_draft_set_lineage(get(), lineage.data()); }
    Status set_kind(std::uint32_t kind) noexcept { return licentia_draft_set_kind(get(), kind); }
    Status set_not_before(std::uint64_t time) noexcept { return licentia_draft_set_not_before(get(), time); }
    Status set_term_end(std::uint64_t time) noexcept { return licentia_draft_set_term_end(get(), time); }
    Status set_maintained_until(std::uint64_t time) noexcept {
        return licentia_draft_set_maintained_until(get(), time);
    }
    Status set_seats(std::uint64_t seats) noexcept { return licentia_draft_set_seats(get(), seats); }
    Status set_holder(const Digest &thumbprint) noexcept {
        return licentia_draft_set_holder(get(), thumbprint.data());
    }
    Status set_index(std::uint64_t index) noexcept { return licentia_draft_set_index(get(), index); }
};

/** Every version of every tier that a vendor sells. */
class Catalogue : public detail::Handle<licentia_catalogue, licentia_catalogue_free> {
  public:
    using Handle::Handle;
    static Result<Catalogue> parse(std::string_view toml) noexcept {
        return detail::make<Catalogue, licentia_catalogue>([&](licentia_catalogue **catalogue) {
            return licentia_catalogue_parse(toml.data(), toml.size(), catalogue);
        });
    }
    /** Version 0 is the newest that is sold. */
    Result<Draft> draft(std::string_view tier, std::uint64_t version, std::string_view subject,
                        std::uint64_t start) const noexcept {
        return detail::make<Draft, licentia_draft>([&](licentia_draft **draft) {
            return licentia_catalogue_draft(get(), tier.data(), tier.size(), version, subject.data(), subject.size(),
                                            start, draft);
        });
    }
};

/** A revocation bundle before it is signed. */
class Bundle : public detail::Handle<licentia_bundle, licentia_bundle_free> {
  public:
    using Handle::Handle;
    static Result<Bundle> make(std::string_view issuer, std::uint64_t sequence, std::uint64_t issued_at,
                               std::uint64_t next_update, std::uint64_t expires, const Id &salt) noexcept {
        return detail::make<Bundle, licentia_bundle>([&](licentia_bundle **bundle) {
            return licentia_bundle_new(issuer.data(), issuer.size(), sequence, issued_at, next_update, expires,
                                       salt.data(), bundle);
        });
    }
    Status revoke_index(std::uint64_t index, std::uint32_t reason = 0, std::uint64_t effective = 0,
                        std::uint32_t effect = LICENTIA_EFFECT_DENY, std::uint64_t until = 0) noexcept {
        return licentia_bundle_revoke_index(get(), index, reason, effective, effect, until);
    }
    Status revoke_id(const Id &id) noexcept { return licentia_bundle_revoke_id(get(), id.data()); }
    Result<Buffer> sign(const SigningKey &key) const noexcept {
        return detail::give<Buffer, std::uint8_t>(
            [&](auto... out) { return licentia_bundle_sign(get(), key.get(), out...); });
    }
    Result<Buffer> sign_delta(const Bundle &base, const SigningKey &key) const noexcept {
        return detail::give<Buffer, std::uint8_t>(
            [&](auto... out) { return licentia_bundle_sign_delta(get(), base.get(), key.get(), out...); });
    }
};

/** A vendor that issues licences. */
class Issuer : public detail::Handle<licentia_issuer, licentia_issuer_free> {
  public:
    using Handle::Handle;
    static Result<Issuer> make(std::string_view name, const SigningKey &key) noexcept {
        return detail::make<Issuer, licentia_issuer>([&](licentia_issuer **issuer) {
            return licentia_issuer_new(name.data(), name.size(), key.get(), issuer);
        });
    }
    Result<Text> issue(const Draft &draft) const noexcept {
        return detail::give<Text, char>(
            [&](auto... out) { return licentia_issuer_issue(get(), draft.get(), out...); });
    }
};
#endif

} // namespace licentia

#endif
