// What a sink throws ends the program, and does not unwind through code that knows no exceptions.

#include <cstdio>
#include <cstdlib>
#include <exception>

#include <licentia.hpp>

#include "check.h"

int main() {
    const auto key = licentia::SigningKey::generate();
    const auto public_key = key->public_key();
    auto sink = [](const licentia::Event &) { throw 7; };
    const auto gate = licentia::GateBuilder().key(*public_key).sink(sink).build();
    CHECK(gate);
    std::set_terminate([] {
        const int result = finish("throws");
        std::fflush(nullptr);
        std::_Exit(result);
    });
    try {
        const auto decision = gate->check("lic1_");
        CHECK(!decision);
    } catch (...) {
        CHECK(!"an exception that came through the library");
    }
    CHECK(!"a sink that throws and is gone on from");
    return finish("throws");
}
