module github.com/helios-stream/helios/examples/go

go 1.19
