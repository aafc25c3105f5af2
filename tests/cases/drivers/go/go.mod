module github.com/helios-stream/helios/tests/cases/drivers/go

go 1.19

require github.com/helios-stream/helios/examples/go v0.0.0

replace github.com/helios-stream/helios/examples/go => ../../../../examples/go
