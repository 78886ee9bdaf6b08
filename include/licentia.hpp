/*
 * Licentia for C++17: licentia.h with handles that free themselves, and std::string_view. Nothing here throws, and
 * nothing is compiled but this header; see licentia.h for what each function does.
 *
 * A function that can fail gives a Result: test it, then use it as a pointer. What is moved away is empty, and is
 * answered with LICENTIA_CODE_INVALID_ARGUMENT. Decisions are freed before their gate and request,
 * seats before their gate. Callbacks are called from code that knows no exceptions: what they throw ends the program.
 */

#ifndef LICENTIA_HPP
#define LICENTIA_HPP

#include "licentia/decision.hpp"
#include "licentia/gate.hpp"
#include "licentia/handle.hpp"
#include "licentia/vendor.hpp"

#endif
