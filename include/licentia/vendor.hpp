/* What a vendor signs: keys, licences, keysets and revocation bundles. Include licentia.hpp. */

#ifndef LICENTIA_VENDOR_HPP
#define LICENTIA_VENDOR_HPP

#include "gate.hpp"

namespace licentia {

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
            return licentia_signing_key_from_pem(pem.data(), pem.size(), pointer(passphrase), length(passphrase), key);
        });
    }
    static Result<SigningKey> from_seed(const Digest &seed) noexcept {
        return detail::make<SigningKey, licentia_signing_key>(
            [&](licentia_signing_key **key) { return licentia_signing_key_from_seed(seed.data(), key); });
    }
    /** Not encrypted without a passphrase; an empty one is refused. */
    Result<Text> pem(const std::string_view *passphrase = nullptr) const noexcept {
        return detail::give<Text, char>([&](auto... out) {
            return licentia_signing_key_pem(get(), pointer(passphrase), length(passphrase), out...);
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
    /** Acknowledges a receipt of an instance, and all before it. */
    Result<Buffer> acknowledge(Bytes receipt, std::uint64_t now) const noexcept {
        return detail::give<Buffer, std::uint8_t>([&](auto... out) {
            return licentia_signing_key_acknowledge(get(), receipt.data, receipt.size, now, out...);
        });
    }

  private:
    /** A passphrase that is empty may have no pointer; the library must still see that it was given. */
    static const char *pointer(const std::string_view *passphrase) noexcept {
        if (passphrase == nullptr) return nullptr;
        return passphrase->data() == nullptr ? "" : passphrase->data();
    }
    static std::size_t length(const std::string_view *passphrase) noexcept {
        return passphrase == nullptr ? 0 : passphrase->size();
    }
};

/** A licence that is not signed yet. */
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
    /** The period is one of LICENTIA_PERIOD_*, the overage one of LICENTIA_OVERAGE_*. */
    Status set_quota(std::string_view meter, std::uint64_t limit, std::uint32_t period, std::uint64_t seconds = 0,
                     std::uint64_t anchor = 0, std::uint32_t overage = LICENTIA_OVERAGE_DENY,
                     std::uint64_t hard_limit = 0) noexcept {
        return licentia_draft_set_quota(get(), meter.data(), meter.size(), limit, period, seconds, anchor, overage,
                                        hard_limit);
    }
    Status set_rate(std::string_view name, std::uint64_t count, std::uint64_t per_ms,
                    std::uint64_t burst = LICENTIA_NONE) noexcept {
        return licentia_draft_set_rate(get(), name.data(), name.size(), count, per_ms, burst);
    }
    /** Sets what a gate does, one of LICENTIA_ACTION_*, in a doubt, one of LICENTIA_DOUBT_*. */
    Status set_policy(std::uint32_t doubt, std::uint32_t action, std::uint64_t seconds = 0) noexcept {
        return licentia_draft_set_policy(get(), doubt, action, seconds);
    }
    Status set_max_revocation_age(std::uint64_t seconds) noexcept {
        return licentia_draft_set_max_revocation_age(get(), seconds);
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

/** All versions of all tiers that a vendor sells. */
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

/** A revocation bundle that is not signed yet. */
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
    /** `allowed` has the digests of the tokens that stay good, one after another. */
    Status revoke_key(Bytes kid, Bytes allowed = {}, std::uint32_t reason = 0, std::uint64_t effective = 0,
                      std::uint32_t effect = LICENTIA_EFFECT_DENY, std::uint64_t until = 0) noexcept {
        return licentia_bundle_revoke_key(get(), kid.data, kid.size, allowed.data, allowed.size, reason, effective,
                                          effect, until);
    }
    Status revoke_subject(std::string_view subject, std::uint32_t reason = 0, std::uint64_t effective = 0,
                          std::uint32_t effect = LICENTIA_EFFECT_DENY, std::uint64_t until = 0) noexcept {
        return licentia_bundle_revoke_subject(get(), subject.data(), subject.size(), reason, effective, effect, until);
    }
    Status revoke_lineage(const Id &lineage, std::uint32_t reason = 0, std::uint64_t effective = 0,
                          std::uint32_t effect = LICENTIA_EFFECT_DENY, std::uint64_t until = 0) noexcept {
        return licentia_bundle_revoke_lineage(get(), lineage.data(), reason, effective, effect, until);
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
