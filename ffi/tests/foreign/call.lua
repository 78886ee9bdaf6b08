-- Checks a licence from LuaJIT through the C ABI alone: call.lua LIBRARY HEADER

local ffi = require("ffi")

-- The header's declarations, without what only a C compiler needs.
local header = assert(io.open(arg[2])):read("*a")
local constants = {}
for name, value in header:gmatch("#define (LICENTIA_[%w_]+) (%d+)") do
    constants[name] = tonumber(value)
end
header = header:gsub("LICENTIA_MUST_USE", ""):gsub("/%*.-%*/", ""):gsub("\\\n", ""):gsub("\n%s*#[^\n]*", "\n")
header = header:gsub('extern "C" {', ""):gsub("\n}  // extern[^\n]*", "\n"):gsub("\n}%s*\n", "\n")
ffi.cdef(header)
local C = ffi.load(arg[1])

local calls = 0
local function call(status)
    calls = calls + 1
    assert(status == constants.LICENTIA_OK, ffi.string(C.licentia_status_name(status)))
end

local function new(kind, make)
    local out = ffi.new("licentia_" .. kind .. " *[1]")
    call(make(out))
    return ffi.gc(out[0], C["licentia_" .. kind .. "_free"])
end

local function given(give)
    local data, size = ffi.new("char *[1]"), ffi.new("size_t[1]")
    call(give(data, size))
    local text = ffi.string(data[0], size[0])
    C.licentia_string_free(data[0])
    return text
end

local NOW = 1800000000
local key = new("signing_key", C.licentia_signing_key_generate)
local issuer = new("issuer", function(out) return C.licentia_issuer_new("acme", 4, key, out) end)
local draft = new("draft", function(out)
    return C.licentia_draft_new("cus_42", 6, "pro", 3, 3, NOW, NOW + 86400, out)
end)
call(C.licentia_draft_add_quota(draft, "calls", 5, "2/month", 7))
local token = given(function(data, size) return C.licentia_issuer_issue(issuer, draft, data, size) end)
local public = new("key", function(out) return C.licentia_signing_key_public(key, out) end)
local builder = new("gate_builder", C.licentia_gate_builder_new)
call(C.licentia_gate_builder_add_key(builder, public))
local gate = new("gate", function(out) return C.licentia_gate_builder_build(builder, out) end)
local request = new("request", C.licentia_request_new)
call(C.licentia_request_add_meter(request, "calls", 5, 1))

for count = 1, 3 do
    local decision = ffi.new("licentia_decision *[1]")
    call(C.licentia_gate_check_at(gate, token, #token, request, NOW, 0, decision))
    assert(C.licentia_decision_is_allowed(decision[0]) == (count <= 2))
    local expected = count <= 2 and "LICENTIA_CODE_ALLOWED" or "LICENTIA_CODE_QUOTA_EXCEEDED"
    assert(C.licentia_decision_code(decision[0]) == constants[expected])
    local charge = ffi.new("licentia_charge[1]")
    call(C.licentia_decision_charge(decision[0], 0, ffi.sizeof("licentia_charge"), charge))
    assert(ffi.string(charge[0].name, charge[0].name_len) == "calls" and charge[0].limit == 2)
    C.licentia_decision_free(decision[0])
end
print("LuaJIT: " .. calls .. " calls")
