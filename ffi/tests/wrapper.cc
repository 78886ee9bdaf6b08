// Uses the C++ wrapper as a vendor, a service and a holder do, and holds it to its rules on moving and failing.

#include <cstdio>
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

// A view of a temporary would outlive it: the memory of a freed decision belongs to the next one, of another customer.
template <class T, class = void> constexpr bool has_view = false;
template <class T> constexpr bool has_view<T, std::void_t<decltype(std::declval<T>().view())>> = true;
template <class T, class = void> constexpr bool has_c_str = false;
template <class T> constexpr bool has_c_str<T, std::void_t<decltype(std::declval<T>().c_str())>> = true;
template <class T, class = void> constexpr bool has_data = false;
template <class T> constexpr bool has_data<T, std::void_t<decltype(std::declval<T>().data())>> = true;
template <class T, class = void> constexpr bool has_kid = false;
template <class T> constexpr bool has_kid<T, std::void_t<decltype(std::declval<T>().kid())>> = true;
template <class T, class = void> constexpr bool has_bytes = false;
template <class T> constexpr bool has_bytes<T, std::void_t<decltype(std::declval<T>().bytes())>> = true;
template <class T, class = void> constexpr bool has_arrow = false;
template <class T> constexpr bool has_arrow<T, std::void_t<decltype(std::declval<T>().operator->())>> = true;
template <class T, class R, class = void> constexpr bool takes = false;
template <class T, class R>
constexpr bool takes<T, R, std::void_t<decltype(std::declval<T>().check("", std::declval<R>()))>> = true;
template <class T> constexpr bool is_only_named = has_arrow<T &> && has_arrow<const T &> && !has_arrow<T> && !has_arrow<const T>;
static_assert(is_only_named<licentia::Result<licentia::Decision>> && is_only_named<licentia::Result<licentia::Gate>>);
static_assert(is_only_named<licentia::Result<licentia::Key>> && is_only_named<licentia::Result<licentia::Text>>);
static_assert(is_only_named<licentia::Result<std::pair<licentia::Decision, licentia::Seat>>>);
static_assert(has_arrow<licentia::Result<licentia::Feature>> && has_arrow<licentia::Result<licentia::Window>>);
static_assert(has_view<licentia::Decision &> && has_view<const licentia::Decision &>);
static_assert(!has_view<licentia::Decision> && !has_view<const licentia::Decision>);
static_assert(has_view<licentia::Text &> && !has_view<licentia::Text> && !has_c_str<licentia::Text>);
static_assert(std::is_convertible_v<licentia::Text &, std::string_view>);
static_assert(!std::is_convertible_v<licentia::Text, std::string_view>);
static_assert(std::is_convertible_v<licentia::Buffer &, licentia::Bytes>);
static_assert(!std::is_convertible_v<licentia::Buffer, licentia::Bytes> && !has_data<licentia::Buffer>);
static_assert(has_kid<licentia::Key &> && !has_kid<licentia::Key> && has_bytes<licentia::Key &>);
static_assert(!has_bytes<licentia::Key>);
static_assert(takes<licentia::Gate &, licentia::Request &> && takes<licentia::Gate &, const licentia::Request &>);
static_assert(!takes<licentia::Gate &, licentia::Request> && !takes<licentia::Gate &, const licentia::Request>);

std::string text_of(const licentia::SigningKey &key) {
    const auto public_key = key.public_key();
    return public_key->text().str();
}

licentia::Result<licentia::Text> issued(const licentia::SigningKey &key, const licentia::Draft &draft) {
    const auto issuer = licentia::Issuer::make("acme", key);
    return issuer->issue(draft);
}

void decisions() {
    auto key = licentia::SigningKey::generate();
    CHECK(key);
    const auto public_key = key->public_key();
    const auto again = licentia::Key::from_text(public_key->text().str());
    CHECK(again && again->text().str() == public_key->text().str());
    auto draft = licentia::Draft::make("cus_42", "pro", 3, now - 10, now + 1000);
    CHECK(draft && draft->add_feature("level", "gold") && draft->add_feature("rows", "5000"));
    CHECK(draft->add_quota("calls", "2/day") && draft->add_rate("api", "10/1s") && draft->set_index(7));
    CHECK(!draft->add_rate("api", "fast"));
    licentia::Digest seed{9};
    const auto holder = licentia::HolderKey::from_seed(seed);
    CHECK(holder && draft->set_holder(holder->thumbprint()));
    const auto issuer = licentia::Issuer::make("acme", *key);
    const auto token = issuer->issue(*draft);
    CHECK(token && token->view().substr(0, 5) == "lic1_" && std::strlen(token->c_str()) == token->view().size());

    std::string actions;
    auto sink = [&actions](const licentia::Event &event) {
        actions += event.action();
        actions += event.decision().is_allowed() ? '+' : '-';
        CHECK(event.at() > 0 && event.json().str().find("lic1_") == std::string_view::npos);
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
    const licentia::Request nothing;
    CHECK(built->get() == nullptr && !built->check_at(*token, nothing, now, 0));

    licentia::Request request;
    CHECK(request.add_feature("level") && request.add_meter("calls", 1) && request.add_rate("api"));
    CHECK(request.set_action("job") && request.set_source("here") && request.set_audience("api"));
    {
        const auto decision = gate.check_at(*token, request, now, 0);
        CHECK(decision && decision->code() == LICENTIA_CODE_PROOF_REQUIRED);
        CHECK(decision->view().http_status() == 401);
        CHECK(decision->view().problem().str().find("proof_required") != std::string_view::npos);
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
        CHECK(view.http_headers().str().find("ratelimit: ") != std::string_view::npos);
        CHECK(!view.explanation().str().empty() && view.explanation_json().str().front() == '[');
        CHECK(view.json().str().front() == '{' && license->json().str().front() == '{');
    }
    CHECK(actions == "job-job+job+job-");
    const auto reserved = gate.reserve("lic1_", request);
    CHECK(reserved && !reserved->first.is_allowed() && !reserved->second && actions.back() == '-');
    CHECK(gate.settle() && gate.after_fork() && gate.refill(60000) && !gate.refill(0) && request.set_job("7"));
    CHECK(request.clear() && gate.check_at(*token, request, now, 0));
}

void keysets_and_revocation() {
    const auto root = licentia::SigningKey::from_seed({1}), key = licentia::SigningKey::from_seed({2}),
               revoker = licentia::SigningKey::from_seed({3});
    std::string toml;
    toml += "[[key]]\nkey = \"" + text_of(*key) + "\"\n";
    toml += "[[key]]\npurpose = \"revocation\"\nkey = \"" + text_of(*revoker) + "\"\n";
    const auto keyset = root->sign_keyset(toml, now - 10, now + 1000);
    const auto root_key = root->public_key();
    CHECK(keyset);
    const auto read = licentia::Keyset::read(*root_key, *keyset);
    CHECK(read && read->times().sequence == 1 && read->times().expires == now + 1000 && read->key(1) && !read->key(2));

    const auto catalogue = licentia::Catalogue::parse("[[tier]]\nname = \"pro\"\nversion = 1\nterm = \"1 year\"\n");
    auto draft = catalogue->draft("pro", 0, "cus_7", now);
    CHECK(draft && draft->set_index(7) && draft->set_seats(3) && draft->set_kind(LICENTIA_KIND_TRIAL));
    CHECK(draft->add_audience("api") && draft->add_meta("order", "1") && draft->set_maintained_until(now + 10));
    const auto token = issued(*key, *draft);
    CHECK(token && (*licentia::unverified_json(*token)).str().find("cus_7") != std::string_view::npos);
    const auto bytes = licentia::decode(*token);
    CHECK((*licentia::encode(*bytes)).str() == token->view());

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
    CHECK((*gate->check_at(*token, request, now, 0)).code() == LICENTIA_CODE_REVOKED);
    CHECK(!*gate->load_keyset(*keyset) && !gate->watch_revocation("/nowhere", 10, [](licentia_code) {}));
    const std::string_view wrong = "x";
    const auto pem = key->pem();
    CHECK(pem && licentia::SigningKey::from_pem(*pem) && !licentia::SigningKey::from_pem(*pem, &wrong));
    CHECK(key->sign({bytes->data(), 7}));
}

// What a seat, a reservation and the receipts of both look like from C++.
void counting() {
    const auto key = licentia::SigningKey::from_seed({2}), instance = licentia::SigningKey::generate();
    const auto public_key = key->public_key();
    CHECK(public_key->kid().size == 4 && public_key->bytes().size == 32);
    auto draft = licentia::Draft::make("cus_42", "pro", 3, 1000000000, 253402300799);
    CHECK(draft->set_quota("calls", 5, LICENTIA_PERIOD_MONTH, 0, 0, LICENTIA_OVERAGE_UP_TO, 7) && draft->set_seats(1));
    CHECK(draft->set_rate("api", 10, 1000, 2) && draft->set_policy(LICENTIA_DOUBT_STORE, LICENTIA_ACTION_WARN, 60));
    const auto token = issued(*key, *draft);
    const auto pem = instance->pem();
    CHECK(token && pem);
    const std::string log = "target/c/wrapper.log", beside = log + ".ack";
    std::remove(log.c_str());
    std::remove(beside.c_str());
    const auto receipts = licentia::Receipts::open(log, *pem);
    CHECK(receipts && receipts->instance() != licentia::Digest{});
    std::uint64_t keyset = 1, revocations = 1;
    auto sink = [&](const licentia::Event &event) {
        keyset = event.keyset();
        revocations = event.revocation().has_value();
    };
    const auto gate = licentia::GateBuilder().key(*public_key).receipts(*receipts).sink(sink).build();
    CHECK(gate && (*gate->check(*token)).is_allowed() && keyset == 0 && revocations == 0);
    licentia::Request request;
    CHECK(request.add_meter("calls", 6));
    {
        auto reserved = gate->reserve_at(*token, request, now, 0);
        CHECK(reserved && reserved->first.view().state() == LICENTIA_STATE_OVERAGE && reserved->second);
        CHECK(reserved->second.set_cost("calls", 2) && reserved->second.commit() && !reserved->second.commit());
    }
    {
        const licentia::Request nothing;
        auto taken = gate->check_out_at(*token, "ada", 60, nothing, now, 0);
        CHECK(taken && taken->second && taken->second.until() == now + 60);
        const auto refused = gate->check_out_at(*token, "bob", 60, nothing, now, 0);
        CHECK(refused && !refused->second && refused->first.code() == LICENTIA_CODE_SEATS_TAKEN);
        CHECK((*taken->second.heartbeat_at(nothing, now + 30, 0)).is_allowed() && taken->second.until() == now + 90);
        CHECK(taken->second.release() && !taken->second.release() && !taken->second.until());
    }
    CHECK((*gate->check_at(*token, request, now, 0)).code() == LICENTIA_CODE_QUOTA_EXCEEDED);
    CHECK(request.clear() && request.add_meter("calls", 1) && (*gate->check_at(*token, request, now, 0)).is_allowed());
    std::string receipt;
    auto take = [&receipt](const std::uint8_t *data, std::size_t size) {
        receipt.assign(reinterpret_cast<const char *>(data), size);
    };
    CHECK(receipts->write(now, take) && !receipt.empty());
    const licentia::Bytes bytes{reinterpret_cast<const std::uint8_t *>(receipt.data()), receipt.size()};
    const auto acknowledgement = key->acknowledge(bytes, now);
    CHECK(acknowledgement && receipts->acknowledge(*acknowledgement, *public_key));
    receipt.clear();
    CHECK(receipts->unacknowledged(take) && receipt.empty());
    std::remove(log.c_str());
    std::remove(beside.c_str());
    const auto window = licentia::period_window(LICENTIA_PERIOD_FIXED, 125, 60, 5);
    CHECK(window && window->start == 125 && window->end == 185);
    CHECK(!licentia::period_window(LICENTIA_PERIOD_LIFETIME, 125)->end && !licentia::period_window(10, 0));
}

// What was moved away needs everything, and not nothing.
void moved_away() {
    const auto key = licentia::SigningKey::from_seed({2});
    const auto public_key = key->public_key();
    const auto draft = licentia::Draft::make("cus_42", "pro", 3, 1000000000, 253402300799);
    const auto token = issued(*key, *draft);
    const auto gate = licentia::GateBuilder().key(*public_key).build();
    licentia::Request request;
    CHECK(request.add_feature("export"));
    const licentia::Request other = std::move(request);
    const auto refused = gate->check(*token, request);
    CHECK(!refused && refused.status().value() == LICENTIA_CODE_INVALID_ARGUMENT && !refused->is_allowed());
    CHECK(!gate->check_at(*token, request, now, 0) && !gate->reserve(*token, request));
    CHECK(!gate->check_out(*token, "ada", 60, request) && !request.add_feature("export"));
    CHECK((*gate->check(*token, other)).code() == LICENTIA_CODE_FEATURE_NOT_LICENSED);
    CHECK((*gate->check(*token)).is_allowed());
    // A licence that wants a bundle of a certain age has none here.
    auto wary = licentia::Draft::make("cus_42", "pro", 3, 1000000000, 253402300799);
    CHECK(wary->set_max_revocation_age(86400));
    const auto guarded = issued(*key, *wary);
    CHECK((*gate->check(*guarded)).code() == LICENTIA_CODE_REVOCATION_STALE);

    // A passphrase that is empty is refused, and not left out.
    const std::string_view none, empty = "", some = "horse";
    CHECK(!key->pem(&none) && !key->pem(&empty) && key->pem() && key->pem(&some));
    const auto pem = key->pem(&some);
    CHECK(!licentia::SigningKey::from_pem(*pem) && licentia::SigningKey::from_pem(*pem, &some));
    CHECK(licentia::SigningKey::from_pem(*pem, &none).status().value() == LICENTIA_CODE_INVALID_ARGUMENT);
}

// Rules in a bundle, and a sink that is told of it.
void rules() {
    const auto root = licentia::SigningKey::from_seed({1}), key = licentia::SigningKey::from_seed({2}),
               revoker = licentia::SigningKey::from_seed({3});
    std::string toml;
    toml += "[[key]]\nkey = \"" + text_of(*key) + "\"\n";
    toml += "[[key]]\npurpose = \"revocation\"\nkey = \"" + text_of(*revoker) + "\"\n";
    const auto keyset = root->sign_keyset(toml, now - 10, now + 1000);
    const auto public_key = key->public_key(), root_key = root->public_key();
    const auto draft = licentia::Draft::make("cus_42", "pro", 3, now - 10, now + 1000);
    const auto token = issued(*key, *draft);
    for (int round = 0; round < 3; round++) {
        std::uint64_t sequence = 0, of_keyset = 0;
        auto sink = [&](const licentia::Event &event) {
            sequence = event.revocation() ? event.revocation()->first : 0;
            of_keyset = event.keyset();
        };
        const auto gate = licentia::GateBuilder().keyset(*root_key, *keyset).sink(sink).build();
        const licentia::Request nothing;
        const auto decision = gate->check_at(*token, nothing, now, 0);
        const auto lineage = decision->view().license()->lineage();
        auto bundle = licentia::Bundle::make("acme", 5, now - 5, now + 100, now + 1000, {9});
        CHECK(round != 0 || bundle->revoke_key(public_key->kid()));
        CHECK(round != 1 || bundle->revoke_subject("cus_42"));
        CHECK(round != 2 || bundle->revoke_lineage(lineage));
        const auto signed_bundle = bundle->sign(*revoker);
        CHECK(gate->load_revocation(*signed_bundle));
        CHECK((*gate->check_at(*token, nothing, now, 0)).code() == LICENTIA_CODE_REVOKED_BY_RULE);
        CHECK(sequence == 5 && of_keyset == 1);
    }
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
    counting();
    moved_away();
    rules();
    failures_are_statuses();
    return finish("wrapper");
}
