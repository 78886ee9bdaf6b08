# Checks a licence from Ruby through the C ABI alone: call.rb LIBRARY HEADER

require "fiddle"

LIBRARY = Fiddle.dlopen(ARGV[0])
CONSTANTS = File.read(ARGV[1]).scan(/^#define (LICENTIA_\w+) (\d+)$/).to_h.transform_values(&:to_i)
$calls = 0

POINTER = Fiddle::TYPE_VOIDP
LONG = Fiddle::TYPE_LONG_LONG

def function(name, types, result)
  Fiddle::Function.new(LIBRARY["licentia_#{name}"], types, result)
end

# Calls a function that answers with a status; numbers are 64 bits wide, and the rest are pointers.
def call(name, *arguments)
  types = arguments.map { |argument| argument.is_a?(Integer) ? LONG : POINTER }
  status = function(name, types, Fiddle::TYPE_INT).call(*arguments)
  $calls += 1
  raise "#{name}: #{function("status_name", [Fiddle::TYPE_INT], POINTER).call(status)}" if status != CONSTANTS["LICENTIA_OK"]
end

def out
  Fiddle::Pointer.malloc(Fiddle::SIZEOF_VOIDP, Fiddle::RUBY_FREE)
end

def new(name, *arguments)
  place = out
  call(name, *arguments, place)
  place.ptr
end

def given(name, *arguments)
  data, size = out, out
  call(name, *arguments, data, size)
  text = data.ptr[0, size[0, 8].unpack1("Q")]
  function("string_free", [POINTER], Fiddle::TYPE_VOID).call(data.ptr)
  text
end

NOW = 1_800_000_000
key = new("signing_key_generate")
issuer = new("issuer_new", "acme", 4, key)
draft = new("draft_new", "cus_42", 6, "pro", 3, 3, NOW, NOW + 86_400)
token = given("issuer_issue", issuer, draft)
public_key = new("signing_key_public", key)
builder = new("gate_builder_new")
call("gate_builder_add_key", builder, public_key)
gate = new("gate_builder_build", builder)
request = new("request_new")

{ NOW => "LICENTIA_CODE_ALLOWED", NOW + 86_400 => "LICENTIA_CODE_EXPIRED" }.each do |now, expected|
  decision = new("gate_check_at", gate, token, token.bytesize, request, now, 0)
  code = function("decision_code", [POINTER], Fiddle::TYPE_INT).call(decision)
  raise "#{code} instead of #{expected}" if code != CONSTANTS[expected]
  raise "no explanation" unless given("decision_explanation", decision).include?("time")
  function("decision_free", [POINTER], Fiddle::TYPE_VOID).call(decision)
end

{ request: request, gate: gate, gate_builder: builder, key: public_key, draft: draft, issuer: issuer, signing_key: key }
  .each { |noun, handle| function("#{noun}_free", [POINTER], Fiddle::TYPE_VOID).call(handle) }
puts "fiddle: #{$calls} calls"
