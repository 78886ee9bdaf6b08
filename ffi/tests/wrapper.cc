// Uses the C++ wrapper as a vendor, a service and a holder do, and holds it to its rules on moving and failing.

#include <cstring>
#include <string>
#include <type_traits>

#include <licentia.hpp>

#include "check.h"

namespace {

constexpr std::uint64_t now = 1800000000;

static_assert(std::is_nothrow_move_constructible_v<licentia::Gate> && !std::is_copy_constructible_v<licentia::Gate>);
static_assert(std::is_nothrow_move_constructible_v<licentia::Decision>);
static_assert(!std::is_copy_constructible_v<licentia::Text>);

void decisions() {
    auto key = licentia::SigningKey::generate();
    CHECK(key);
    const auto public_key = key->public_key();
    const auto again = licentia::Key::from_text(public_key->text());
    CHECK(again && again->text().view() == public_key->text().view());
    auto draft = licentia::Draft::make("cus_42", "pro", 3, now - 10, now + 1000);
    CHECK(draft && draft->add_feature("level", "gold") && draft->add_feature("rows", "5000"));
    CHECK(draft->add_quota("calls", "2/day") && draft->add_rate("api", "10/1s") && draft->set_index(7));
    CHECK(!draft->add_rate("api", "fast"));
    licentia::Digest seed{9};
    const auto holder = licentia::Holder::from_seed(seed);
    CHECK(holder && draft->set_holder(holder->thumbprint()));
    const auto issuer = licentia::Issuer::make("acme", *key);
    const auto token = issuer->issue(*draft);
    CHECK(token && token->view().substr(0, 5) == "lic1_" && std::strlen(token->c_str()) == token->view().size());

    std::string actions;
    auto sink = [&actions](const licentia::Event &event) {
        actions += event.action();
        actions += event.decision().is_allowed() ? '+' : '-';
        CHECK(event.at() > 0 && event.json().view().find("lic1_") == std::string_view::npos);
    };
    auto store = licentia::Store::open("memory:");
    CHECK(store && !licentia::Store::open("nowhere:"));
    auto built = licentia::GateBuilder()
                     .key(*public_key)
                     .issuer("acme")
                     .audience("api")
                     .mode(LICENTIA_MODE_ENFORCE)
                     .skew(60)
                     .proof_age(60)
                     .store(*store)
                     .sink(sink)
                     .build();
    CHECK(built);
    const licentia::Gate gate = std::move(*built);
    CHECK(built->get() == nullptr && !built->check_at(*token, licentia::Request(), now, 0));

    licentia::Request request;
    CHECK(request.add_feature("level") && request.add_meter("calls", 1) && request.add_rate("api"));
    CHECK(request.set_action("job") && request.set_source("here") && request.set_audience("api"));
    {
        const auto decision = gate.check_at(*token, request, now, 0);
        CHECK(decision && decision->code() == LICENTIA_CODE_PROOF_REQUIRED);
        CHECK(decision->view().http_status() == 403 || decision->view().http_status() == 401);
        CHECK(decision->view().problem().view().find("proof_required") != std::string_view::npos);
    }
    for (int call = 0; call < 3; call++) {
        const auto proof = holder->prove(*token, "POST", "/jobs", now);
        CHECK(proof && request.set_proof(*proof, "POST", "/jobs"));
        const auto decision = gate.check_at(*token, request, now, 0);
        CHECK(decision && decision->is_allowed() == (call < 2));
        const auto view = decision->view();
        CHECK(view.state() == LICENTIA_STATE_ACTIVE && view.warning() == 0);
        const auto license = view.license();
        CHECK(license && license->subject() == "cus_42" && license->issuer() == "acme");
        CHECK(license->tier().first == "pro" && license->tier().second == 3 && license->id() == license->lineage());
        CHECK(license->feature("rows")->number() == 5000 && license->feature("level")->text() == "gold");
        CHECK(!license->feature("sso") && license->feature("sso").status().value() == LICENTIA_ABSENT);
        CHECK(view.charge(0)->is_rate() && view.charge(1)->name() == "calls" && !view.charge(2));
        CHECK(view.charge(1)->limit() == 2 && view.charge(1)->window() == 86400 && view.charge(1)->reset_ms());
        CHECK(view.retry_after_ms().has_value() == (call == 2));
        CHECK(view.http_headers().view().find("ratelimit: ") != std::string_view::npos);
        CHECK(!view.explanation().view().empty() && view.explanation_json().view().front() == '[');
        CHECK(view.json().view().front() == '{' && license->json().view().front() == '{');
    }
    CHECK(actions == "job-job+job+job-");
    const auto reserved = gate.reserve("lic1_", request);
    CHECK(reserved && !reserved->first.is_allowed() && !reserved->second && actions.back() == '-');
    CHECK(gate.settle() && gate.after_fork() && gate.keep(60000) && !gate.keep(0) && request.set_job("7"));
    CHECK(request.clear() && gate.check_at(*token, request, now, 0));
}

void keysets_and_revocation() {
    const auto root = licentia::SigningKey::from_seed({1}), key = licentia::SigningKey::from_seed({2}),
               revoker = licentia::SigningKey::from_seed({3});
    std::string toml;
    toml += "[[key]]\nkey = \"" + std::string(key->public_key()->text().view()) + "\"\n";
    toml += "[[key]]\npurpose = \"revocation\"\nkey = \"" + std::string(revoker->public_key()->text().view()) + "\"\n";
    const auto keyset = root->sign_keyset(toml, now - 10, now + 1000);
    const auto root_key = root->public_key();
    CHECK(keyset);
    const auto read = licentia::Keyset::read(*root_key, *keyset);
    CHECK(read && read->times().sequence == 1 && read->times().expires == now + 1000 && read->key(1) && !read->key(2));

    const auto catalogue = licentia::Catalogue::parse("[[tier]]\nname = \"pro\"\nversion = 1\nterm = \"1 year\"\n");
    auto draft = catalogue->draft("pro", 0, "cus_7", now);
    CHECK(draft && draft->set_index(7) && draft->set_seats(3) && draft->set_kind(LICENTIA_KIND_TRIAL));
    CHECK(draft->add_audience("api") && draft->add_meta("order", "1") && draft->set_maintained_until(now + 10));
    const auto token = licentia::Issuer::make("acme", *key)->issue(*draft);
    CHECK(token && licentia::unverified_json(*token)->view().find("cus_7") != std::string_view::npos);
    const auto bytes = licentia::decode(*token);
    CHECK(licentia::encode(*bytes)->view() == token->view());

    const auto gate = licentia::GateBuilder().keyset(*root_key, *keyset).audience("api").build();
    licentia::Request request;
    CHECK(request.set_release(now));
    {
        const auto decision = gate->check_at(*token, request, now, 0);
        CHECK(decision->is_allowed() && decision->view().license()->times().issued_at == now);
        CHECK(!decision->view().license()->times().not_before);
    }
    auto bundle = licentia::Bundle::make("acme", 1, now - 5, now + 100, now + 1000, {9});
    CHECK(bundle && bundle->revoke_index(7) && bundle->revoke_id({4}));
    const auto signed_bundle = bundle->sign(*revoker);
    const auto changed = gate->load_revocation(*signed_bundle);
    CHECK(changed && *changed);
    CHECK(gate->check_at(*token, request, now, 0)->code() == LICENTIA_CODE_REVOKED);
    CHECK(!*gate->load_keyset(*keyset) && !gate->watch_revocation("/nowhere", 10, [](licentia_code) {}));
    const std::string_view wrong = "x";
    const auto pem = key->pem();
    CHECK(pem && licentia::SigningKey::from_pem(*pem) && !licentia::SigningKey::from_pem(*pem, &wrong));
    CHECK(key->sign({bytes->data(), 7}));
}

void failures_are_statuses() {
    const auto key = licentia::Key::from_text("no key");
    CHECK(!key && key.status().value() == LICENTIA_CODE_INVALID_KEY);
    CHECK(std::string_view(key.status().name()) == "invalid_key" && *key.status().advice() != '\0');
    const auto none = licentia::GateBuilder().build();
    CHECK(!none && none.status().value() == LICENTIA_CODE_INVALID_ARGUMENT);
    const auto first = licentia::GateBuilder().mode(9).skew(1).build();
    CHECK(!first && first.status().value() == LICENTIA_CODE_INVALID_ARGUMENT);
    CHECK(!licentia::Status() && licentia::Status(LICENTIA_OK));
    const licentia::Gate empty;
    CHECK(!empty.load_keyset({}) && !empty.load_revocation({}));
    CHECK(!licentia::Decision().is_allowed());
}

} // namespace

int main() {
    decisions();
    keysets_and_revocation();
    failures_are_statuses();
    return finish("wrapper");
}
