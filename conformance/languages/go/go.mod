module bowstring/conformance

go 1.21
