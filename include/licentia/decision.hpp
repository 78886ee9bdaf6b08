/* Decisions, licences and events. Include licentia.hpp. */

#ifndef LICENTIA_DECISION_HPP
#define LICENTIA_DECISION_HPP

#include "handle.hpp"

namespace licentia {

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

/** A verified licence: a view of its decision. */
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
        detail::or_empty(licentia_license_tier(license_, &name, &size, &version));
        return {std::string_view(name, size), version};
    }
    struct Times {
        std::optional<std::uint64_t> not_before, term_end;
        std::uint64_t issued_at = 0, expires = 0;
    };
    Times times() const noexcept {
        Times times;
        std::uint64_t not_before = LICENTIA_NONE, term_end = LICENTIA_NONE;
        detail::or_empty(
            licentia_license_times(license_, &times.issued_at, &not_before, &term_end, &times.expires));
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
        detail::or_empty(licentia_license_ids(license_, ids.first.data(), ids.second.data()));
        return ids;
    }
    const licentia_license *license_;
};

/** The charge of a rate or meter, and what is left of it. */
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

/** A view of a decision. */
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
    /** What it says, in one call; the texts are valid as long as the decision. */
    licentia_facts facts() const noexcept {
        licentia_facts facts{};
        detail::or_empty(licentia_decision_facts(decision_, sizeof facts, &facts));
        return facts;
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

/** The answer of a gate to a request. */
class Decision : public detail::Handle<licentia_decision, licentia_decision_free> {
  public:
    using Handle::Handle;
    DecisionView view() const & noexcept { return DecisionView(get()); }
    DecisionView view() const && = delete;
    bool is_allowed() const noexcept { return licentia_decision_is_allowed(get()); }
    licentia_code code() const noexcept { return licentia_decision_code(get()); }
};

/** A decision and its circumstances, valid while its sink runs. */
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
    /** Sequence number of the keyset in use, or 0. */
    std::uint64_t keyset() const noexcept { return licentia_event_keyset(event_); }
    /** Sequence number of the revocation bundle in use, and when it was issued. */
    std::optional<std::pair<std::uint64_t, std::uint64_t>> revocation() const noexcept {
        std::pair<std::uint64_t, std::uint64_t> bundle;
        Status status = licentia_event_revocation(event_, &bundle.first, &bundle.second);
        return status ? std::optional<std::pair<std::uint64_t, std::uint64_t>>(bundle) : std::nullopt;
    }
    Text json() const noexcept {
        return detail::given([&](auto... out) { return licentia_event_json(event_, out...); });
    }

  private:
    const licentia_event *event_;
};

} // namespace licentia

#endif
