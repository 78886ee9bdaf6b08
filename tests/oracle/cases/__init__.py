"""Makes random cases from a seed: good ones, altered ones and hostile ones.

It writes with `writer` alone, so that nothing that reads is trusted with what it reads. Each case is what
`tests/src/bin/verdicts.rs` takes, as a dictionary.
"""
