// Package module is the library itself: WebAssembly, translated to Go. `cargo xtask go` writes it.
package module
