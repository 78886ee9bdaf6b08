// Says what the library that it was built with has: package PART...

#include <cstdio>
#include <string>

#include <licentia.hpp>

#include "check.h"

int main(int argc, char **argv) {
    std::string expected, found;
    for (int at = 1; at < argc; at++) expected += std::string(argv[at]) + ' ';
#if defined(LICENTIA_HOLDER)
    CHECK(licentia::HolderKey::from_seed({1}));
    found += "holder ";
#endif
#if defined(LICENTIA_ISSUER)
    CHECK(licentia::SigningKey::from_seed({1}));
    found += "issuer ";
#endif
    // Nobody is there; a library that knows the kind has looked.
    const auto redis = licentia::Store::open("redis://127.0.0.1:1/0").status().value();
    if (redis == LICENTIA_CODE_STORE_UNREACHABLE) found += "redis ";
    const auto tls = licentia::Store::open("rediss://127.0.0.1:1/0").status().value();
    if (tls == LICENTIA_CODE_STORE_UNREACHABLE) found += "redis-tls ";
    if (licentia::Store::open("sqlite:package.db")) found += "sqlite ";
    std::remove("package.db");
    CHECK(found == expected);
    CHECK(licentia::version() == LICENTIA_VERSION && licentia::abi_version() == LICENTIA_ABI_VERSION);
    CHECK(licentia::version_number() == LICENTIA_VERSION_NUMBER);
    return finish("package");
}
