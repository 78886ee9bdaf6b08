"""A reader of Licentia's formats that was written from `docs/` alone, and shares no code with any other.

Each module is one page, or one section of one: where they differ from the Rust implementation, one of the
three (page, Rust, this) is wrong. Nothing here is fast, and nothing is lenient.
"""
