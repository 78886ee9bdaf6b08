"""Calls every function of the ABI wrongly: misuse.py LIBRARY HEADER

By the list of prototypes, so that none is left out: first with zeros alone, then with outputs that hold junk.
"""

import ctypes
import re
import sys

library = ctypes.CDLL(sys.argv[1])
constants = dict(re.findall(r"^#define (LICENTIA_\w+) (\d+)$", open(sys.argv[2]).read(), re.M))
OK, INTERNAL, ARGUMENT = (
    int(constants[f"LICENTIA_{name}"]) for name in ("OK", "INTERNAL", "CODE_INVALID_ARGUMENT")
)
JUNK = b"\xaa" * 128

lines = open("ffi/abi.txt").read().splitlines()
handles = set(re.findall(r"^typedef struct (licentia_\w+) \1;$", "\n".join(lines), re.M))
callbacks = set(re.findall(r"^typedef void \(\*(licentia_\w+)\)", "\n".join(lines), re.M))
WIDTH = {
    "bool": ctypes.c_bool, "uint32_t": ctypes.c_uint32, "licentia_code": ctypes.c_uint32,
    "licentia_status": ctypes.c_uint32, "uint64_t": ctypes.c_uint64, "size_t": ctypes.c_size_t,
}


class Parameter:
    def __init__(self, text):
        declared, self.name = re.fullmatch(r"(.*?)(\w+)", text).groups()
        self.type = declared.strip()
        self.is_pointer = self.type.endswith("*") or self.type in callbacks
        pointee = self.type.removesuffix("*").strip()
        # A handle that is changed is an input, and so is a context.
        self.is_output = self.type.endswith("*") and (
            pointee.endswith("*") or not pointee.startswith("const ") and pointee not in handles | {"void"}
        )
        self.ctype = ctypes.c_void_p if self.is_pointer else WIDTH[self.type]
        # How much is looked at: of arrays and structs no more than the smallest has.
        self.size = 8 if pointee.endswith("*") else ctypes.sizeof(WIDTH.get(pointee, ctypes.c_uint64))


functions = []
for line in lines:
    found = re.fullmatch(r"([\w ]+[ *])(licentia_\w+)\((.*)\);", line)
    if found and not line.startswith("typedef") and not found[2].startswith("licentia_bare_"):
        result, name, parameters = found.groups()
        parameters = [] if parameters == "void" else [Parameter(text) for text in parameters.split(", ")]
        function = getattr(library, name)
        result = result.strip()
        function.restype = (
            None if result == "void" else ctypes.c_void_p if result.endswith("*") else WIDTH[result]
        )
        function.argtypes = [parameter.ctype for parameter in parameters]
        functions.append((name, result, function, parameters))

names = sorted(name for name, *_ in functions)
assert names == sorted(line.split()[0] for line in open("ffi/symbols.txt")), "the lists differ"

emptied = 0
for name, result, function, parameters in functions:
    answer = function(*(None if parameter.is_pointer else 0 for parameter in parameters))
    if result == "licentia_status":
        assert answer == ARGUMENT, f"{name} with zeros alone answers {answer}"
    elif result == "bool" or result.startswith("const licentia_"):
        assert not answer, f"{name} with zeros alone answers {answer}"
    if name.endswith("_free"):
        continue
    outputs = [ctypes.create_string_buffer(JUNK, len(JUNK)) for _ in parameters]
    answer = function(*(
        ctypes.addressof(output) if parameter.is_output
        else None if parameter.is_pointer
        # Such a size has no struct: as much of it is emptied.
        else 8 if parameter.name in ("charge_size", "facts_size", "feature_size")
        else 0
        for parameter, output in zip(parameters, outputs)
    ))
    if result == "licentia_status":
        assert answer not in (0, INTERNAL), f"{name} with junk answers {answer}"
        for parameter, output in zip(parameters, outputs):
            if parameter.is_output and answer != OK:
                assert output.raw[:parameter.size] == bytes(parameter.size), f"{name} leaves {parameter.name}"
                emptied += 1
assert emptied > 50
print(f"misuse: {len(functions)} functions, {emptied} outputs emptied")
