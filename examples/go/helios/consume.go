package helios

/*
#include <helios.h>
*/
import "C"

import (
	"context"
	"runtime/cgo"
	"unsafe"
)

// ConsumeOptions say until when to consume. What is nil is not given.
type ConsumeOptions struct {
	// UntilCaughtUp ends it when every shard is delivered to its present end. Default: yes.
	UntilCaughtUp *bool `json:"untilCaughtUp,omitempty"`
	// TimeLimitSeconds is how long it may run. Default: without limit.
	TimeLimitSeconds *float64 `json:"timeLimitSeconds,omitempty"`
	// Position is where to begin in shards of which nothing was delivered yet: "now", "oldest" or an ISO 8601 time. Default:
	// where each source was created to begin.
	Position string `json:"position,omitempty"`
}

// Progress is what a consumer has done so far. Events are counted for each table that the stream fills: Received =
// Delivered + Quarantined + DuplicatesSkipped.
type Progress struct {
	// Records counts the Kinesis records that all tables have.
	Records uint64 `json:"records"`
	// Received counts events that came.
	Received uint64 `json:"received"`
	// Delivered counts events that became rows.
	Delivered   uint64 `json:"delivered"`
	Quarantined uint64 `json:"quarantined"`
	// DuplicatesSkipped counts events that a table had before.
	DuplicatesSkipped uint64 `json:"duplicatesSkipped"`
	// Shards are those that are read, or were.
	Shards []ShardProgress `json:"shards"`
}

// ShardProgress is what a consumer has done with one shard.
type ShardProgress struct {
	Shard             string `json:"shard"`
	Records           uint64 `json:"records"`
	Received          uint64 `json:"received"`
	Delivered         uint64 `json:"delivered"`
	Quarantined       uint64 `json:"quarantined"`
	DuplicatesSkipped uint64 `json:"duplicatesSkipped"`
	// To is the sequence number up to which all tables have the shard, nil before the first batch.
	To *string `json:"to"`
	// Ended is whether the shard is closed, and delivered to its end.
	Ended bool `json:"ended"`
	// Error is why it does not go on, if it does not. It is tried again until the consumer ends.
	Error string `json:"error,omitempty"`
}

// A ConsumeReport is what a consumer has done.
type ConsumeReport struct {
	StreamName string `json:"streamName"`
	StreamARN  string `json:"streamARN"`
	// Ended is why: "caughtUp", "stopped" or "timeLimit".
	Ended string `json:"ended"`
	// Seconds is how long it ran.
	Seconds float64 `json:"seconds"`
	Progress
}

// Consume delivers a stream from this process to all its tables, and waits for its end: by default until every shard is
// delivered to its present end. Options may be nil, and so may goOn: it is called after batches, and once a second where
// none comes, one call after the other, and says whether to go on. If it panics or ends its goroutine, which is not this
// one (runtime.Goexit), the consumer stops, and so does this goroutine, in the same way.
//
// It goes on where the last delivery has ended, whoever made it. When the context ends, it is broken off, as by the end of
// the process: the next one goes on from there. goOn must not close this client, which would wait for it.
//
// For one in the background, see [Client.StartConsumer].
func (c *Client) Consume(
	ctx context.Context,
	stream string,
	options *ConsumeOptions,
	goOn func(Progress) bool,
) (*ConsumeReport, error) {
	cOptions, err := consumeJSON(stream, options)
	if err != nil {
		return nil, err
	}
	defer free(cOptions)
	asked := &asked[Progress]{goOn: goOn}
	handle := cgo.NewHandle(asked)
	defer handle.Delete()
	report := new(ConsumeReport)
	consume := func(client *C.helios_client, text **C.char, failure **C.helios_error) C.helios_status {
		return C.helios_client_consume(client, cOptions, asked.callback(), unsafe.Pointer(&handle), text, failure)
	}
	err = c.answer(ctx, "consume", report, consume)
	if err := asked.finish(err); err != nil {
		return nil, err
	}
	return report, nil
}

// consumeJSON is which stream to consume, and until when, for C, to be freed.
func consumeJSON(stream string, options *ConsumeOptions) (*C.char, error) {
	if options == nil {
		options = new(ConsumeOptions)
	}
	return cJSON("options", struct {
		StreamName string `json:"streamName"`
		*ConsumeOptions
	}{stream, options})
}
