// Issues a licence and checks it, with the C++ wrapper: handles free themselves, and nothing throws.

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <utility>

#include <licentia.hpp>

namespace {

// Stops the program where a call did not succeed.
void must(licentia::Status status) {
    if (!status) {
        std::fprintf(stderr, "%s: %s\n", status.name(), status.advice());
        std::exit(1);
    }
}

template <class T> T must(licentia::Result<T> result) {
    must(result.status());
    return std::move(*result);
}

} // namespace

int main() {
    const auto now = static_cast<std::uint64_t>(std::time(nullptr));

    // The vendor.
    const auto key = must(licentia::SigningKey::generate());
    const auto issuer = must(licentia::Issuer::make("acme", key));
    auto draft = must(licentia::Draft::make("cus_42", "pro", 3, now, now + 86400));
    must(draft.add_feature("rows", "5000"));
    must(draft.add_quota("calls", "2/day"));
    const auto token = must(issuer.issue(draft));

    // The service.
    int events = 0;
    const auto gate = must(licentia::GateBuilder()
                               .key(must(key.public_key()))
                               .issuer("acme")
                               .sink([&events](const licentia::Event &) { events++; })
                               .build());
    licentia::Request request;
    must(request.add_feature("rows"));
    must(request.add_meter("calls", 1));

    int denied = 0;
    for (int call = 0; call < 3; call++) {
        const auto decision = must(gate.check(token, request));
        if (!decision.is_allowed()) {
            denied++;
            std::printf("%s\n", decision.view().explanation().str().c_str());
            continue;
        }
        const auto license = *decision.view().license();
        const auto rows = must(license.feature("rows")).number().value_or(0);
        const auto left = decision.view().charge(0)->remaining();
        std::printf("%.*s may read %lld rows; %llu calls left\n", static_cast<int>(license.subject().size()),
                    license.subject().data(), static_cast<long long>(rows), static_cast<unsigned long long>(left));
    }

    // What is wrong is a status.
    const auto wrong = licentia::GateBuilder().mode(7).build();
    return denied == 1 && events == 3 && !wrong && wrong.status().value() == LICENTIA_CODE_INVALID_ARGUMENT ? 0 : 1;
}
