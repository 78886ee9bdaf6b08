/* Statuses, results, and handles that free themselves. Include licentia.hpp. */

#ifndef LICENTIA_HANDLE_HPP
#define LICENTIA_HANDLE_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "../licentia.h"

namespace licentia {

/** Bytes that belong to another object. */
struct Bytes {
    const std::uint8_t *data = nullptr;
    std::size_t size = 0;
};

/** 32 bytes: a digest, a fingerprint, a seed, a public key. */
using Digest = std::array<std::uint8_t, 32>;
/** 16 bytes: an identifier. */
using Id = std::array<std::uint8_t, 16>;

/** The status of a call: true on success. */
class [[nodiscard]] Status {
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

/**
 * A value, or the status of the call that failed.
 *
 * A view of a temporary handle would outlive it, so `gate.check(token)->view()` does not compile: name the result, or
 * take the handle out of it with `*`. Results that can be copied own nothing, and may be used at once.
 */
template <class T> class [[nodiscard]] Result {
    static constexpr bool owns = !std::is_copy_constructible_v<T>;

  public:
    Result(Status status, T value) noexcept : status_(status), value_(std::move(value)) {}
    explicit operator bool() const noexcept { return static_cast<bool>(status_); }
    Status status() const noexcept { return status_; }
    T &operator*() & noexcept { return value_; }
    const T &operator*() const & noexcept { return value_; }
    T operator*() && noexcept { return std::move(value_); }
    T *operator->() & noexcept { return &value_; }
    const T *operator->() const & noexcept { return &value_; }
    template <bool Owns = owns, std::enable_if_t<!Owns, int> = 0> const T *operator->() && noexcept { return &value_; }
    template <bool Owns = owns, std::enable_if_t<Owns, int> = 0> const T *operator->() && = delete;
    const T *operator->() const && = delete;

  private:
    Status status_;
    T value_;
};

/** Version of the library; LICENTIA_VERSION is that of this header. */
inline std::string_view version() noexcept { return licentia_version(); }
/** Version of the library as a number, to compare with LICENTIA_VERSION_NUMBER. */
inline std::uint32_t version_number() noexcept { return licentia_version_number(); }
/** Number of the ABI, to compare with LICENTIA_ABI_VERSION. */
inline std::uint32_t abi_version() noexcept { return licentia_abi_version(); }

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

/** Calls a function that makes a handle. */
template <class Wrapper, class T, class Make> Result<Wrapper> make(Make &&function) noexcept {
    T *handle = nullptr;
    Status status = function(&handle);
    return {status, Wrapper(handle)};
}

/** Calls a function that lends text. */
template <class Lend> std::string_view lent(Lend &&function) noexcept {
    const char *data = nullptr;
    std::size_t size = 0;
    return function(&data, &size) == LICENTIA_OK ? std::string_view(data, size) : std::string_view();
}

/** Ignores a status: if the call failed, its outputs are empty. */
inline void or_empty(licentia_status) noexcept {}

inline std::optional<std::uint64_t> optional(std::uint64_t value) noexcept {
    return value == LICENTIA_NONE ? std::nullopt : std::optional<std::uint64_t>(value);
}

} // namespace detail

/** Text from the library, which frees itself. */
class Text : detail::Handle<char, licentia_string_free> {
  public:
    explicit Text(char *data = nullptr, std::size_t size = 0) noexcept : Handle(data), size_(size) {}
    std::string_view view() const & noexcept { return {c_str(), size_}; }
    std::string_view view() const && = delete;
    operator std::string_view() const & noexcept { return view(); }
    operator std::string_view() const && = delete;
    const char *c_str() const & noexcept { return get() == nullptr ? "" : get(); }
    const char *c_str() const && = delete;
    /** A copy. */
    std::string str() const { return get() == nullptr ? std::string() : std::string(get(), size_); }

  private:
    std::size_t size_;
};

/** Bytes from the library, which free themselves. */
class Buffer : detail::Handle<std::uint8_t, licentia_bytes_free> {
  public:
    explicit Buffer(std::uint8_t *data = nullptr, std::size_t size = 0) noexcept : Handle(data), size_(size) {}
    operator Bytes() const & noexcept { return {get(), size_}; }
    operator Bytes() const && = delete;
    const std::uint8_t *data() const & noexcept { return get(); }
    const std::uint8_t *data() const && = delete;
    std::size_t size() const noexcept { return size_; }

  private:
    std::size_t size_;
};

namespace detail {

/** Calls a function that returns text; the text is empty if the call fails. */
template <class Give> Text given(Give &&function) noexcept {
    char *data = nullptr;
    std::size_t size = 0;
    or_empty(function(&data, &size));
    return Text(data, size);
}

template <class Wrapper, class T, class Give> Result<Wrapper> give(Give &&function) noexcept {
    T *data = nullptr;
    std::size_t size = 0;
    Status status = function(&data, &size);
    return {status, Wrapper(data, size)};
}

} // namespace detail

} // namespace licentia

#endif
