"""Checks a licence from Python through the C ABI alone: call.py LIBRARY HEADER

It also holds the codes of the header against the shared table.
"""

import ctypes
import json
import re
import sys

library = ctypes.CDLL(sys.argv[1])
constants = dict(re.findall(r"^#define (LICENTIA_\w+) (\d+)$", open(sys.argv[2]).read(), re.M))
OK = int(constants["LICENTIA_OK"])

# The header has every code of the shared table, and no other.
table = json.load(open("tests/vectors/codes.json"))["codes"]
codes = {name: int(number) for name, number in constants.items() if name.startswith("LICENTIA_CODE_")}
assert codes == {f"LICENTIA_CODE_{code['name'].upper()}": code["number"] for code in table} and len(codes) > 50
print(f"header: {len(codes)} codes")

for name in ("licentia_status_name", "licentia_version"):
    getattr(library, name).restype = ctypes.c_char_p
library.licentia_decision_is_allowed.restype = ctypes.c_bool
library.licentia_decision_is_allowed.argtypes = [ctypes.c_void_p]
library.licentia_decision_code.argtypes = [ctypes.c_void_p]
library.licentia_draft_new.argtypes = [
    ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t,
    ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_void_p,
]
library.licentia_gate_check_at.argtypes = [
    ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64,
    ctypes.c_void_p,
]

calls = 0


def call(name, *arguments):
    """Calls a function that answers with a status."""
    global calls
    calls += 1
    status = getattr(library, name)(*arguments)
    assert status == OK, f"{name}: {library.licentia_status_name(status).decode()}"


def new(name, *arguments):
    handle = ctypes.c_void_p()
    call(name, *arguments, ctypes.byref(handle))
    return handle


def given(name, *arguments):
    """Calls a function that gives text away."""
    data, size = ctypes.c_void_p(), ctypes.c_size_t()
    call(name, *arguments, ctypes.byref(data), ctypes.byref(size))
    text = ctypes.string_at(data, size.value)
    library.licentia_string_free(data)
    return text


def text(value):
    return ctypes.c_char_p(value), ctypes.c_size_t(len(value))


NOW = 1_800_000_000
assert library.licentia_version().decode() in open(sys.argv[2]).read()
key = new("licentia_signing_key_generate")
issuer = new("licentia_issuer_new", *text(b"acme"), key)
draft = new("licentia_draft_new", *text(b"cus_42"), *text(b"pro"), 3, NOW, NOW + 86400)
call("licentia_draft_add_feature", draft, *text(b"export"), *text(b"true"))
token = given("licentia_issuer_issue", issuer, draft)
public = new("licentia_signing_key_public", key)
builder = new("licentia_gate_builder_new")
call("licentia_gate_builder_add_key", builder, public)

SINK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
seen = []
sink = SINK(lambda context, event: seen.append(event))
call("licentia_gate_builder_add_sink", builder, sink, None, None)
gate = new("licentia_gate_builder_build", builder)

for feature, expected in ((b"export", "LICENTIA_CODE_ALLOWED"), (b"sso", "LICENTIA_CODE_FEATURE_NOT_LICENSED")):
    request = new("licentia_request_new")
    call("licentia_request_add_feature", request, *text(feature))
    decision = new("licentia_gate_check_at", gate, token, len(token), request, NOW, 0)
    assert library.licentia_decision_code(decision) == int(constants[expected])
    assert library.licentia_decision_is_allowed(decision) == (feature == b"export")
    assert b"cus_42" in given("licentia_decision_json", decision)
    library.licentia_decision_free(decision)
    library.licentia_request_free(request)
assert len(seen) == 2

for noun, handle in (("gate", gate), ("gate_builder", builder), ("key", public), ("draft", draft), ("issuer", issuer),
                     ("signing_key", key)):
    getattr(library, f"licentia_{noun}_free")(handle)
print(f"ctypes: {calls} calls")
