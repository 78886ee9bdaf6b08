module github.com/licentia/licentia/bindings/go

go 1.24
