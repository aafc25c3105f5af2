package helios

/*
#include "operation.h"
*/
import "C"

import (
	"context"
	"encoding/json"
	"runtime/cgo"
	"unsafe"
)

// Credentials say who calls AWS: keys, or a profile, or else what the AWS SDKs find; in a role if one is named.
//
// What is nil is not given. A key that is empty is refused: it is not taken for one that the SDKs are to find.
type Credentials struct {
	AccessKey    *string `json:"accessKey,omitempty"`
	SecretKey    *Secret `json:"secretKey,omitempty"`
	SessionToken *Secret `json:"sessionToken,omitempty"`
	Region       *string `json:"region,omitempty"`
	RoleARN      *string `json:"roleArn,omitempty"`
	ExternalID   *Secret `json:"externalId,omitempty"`
	Profile      *string `json:"profile,omitempty"`
}

// Keys are an access key id and its secret.
func Keys(accessKey string, secretKey Secret) Credentials {
	return Credentials{AccessKey: &accessKey, SecretKey: &secretKey}
}

// An Authentication is what credentials are good for.
type Authentication struct {
	Authenticated bool `json:"authenticated"`
	// StreamNames are all streams of the region, sorted.
	StreamNames []string `json:"streamNames"`
	// Account is the AWS account.
	Account string `json:"account"`
	// ARN is that of the user or role.
	ARN string `json:"arn"`
}

// Authenticate checks the client's AWS credentials and lists the streams they see.
func (c *Client) Authenticate(ctx context.Context) (*Authentication, error) {
	return tell[Authentication](ctx, c, "authenticate", C.question(C.helios_client_authenticate))
}

// A Stream is one of the account, as far as a list of all of them tells. What an emulator does not tell is nil.
type Stream struct {
	StreamName string  `json:"streamName"`
	StreamARN  *string `json:"streamARN"`
	// Status is Kinesis' word for its state: "ACTIVE".
	Status *string `json:"status"`
	// Mode is Kinesis' word for how it is paid and scaled: "PROVISIONED", "ON_DEMAND".
	Mode *string `json:"mode"`
	// CreatedAt is a time in UTC: 2026-01-31T12:00:00Z.
	CreatedAt *string `json:"createdAt"`
}

// Streams lists every stream that the credentials see in their region, by name.
func (c *Client) Streams(ctx context.Context) ([]Stream, error) {
	streams, err := tell[[]Stream](ctx, c, "streams", C.question(C.helios_client_streams))
	if err != nil {
		return nil, err
	}
	return *streams, nil
}

// PutEvents are events for a stream.
type PutEvents struct {
	// StreamName is the stream's name or ARN.
	StreamName string `json:"streamName"`
	// Events become JSON objects: structs, maps, json.RawMessage.
	Events []any `json:"events"`
	// PartitionKey is the field of each event that is its partition key, a string or a number, as a JSON Pointer: "/user/id". Events
	// with the same key go to the same shard, in order unless the stream is busy. Default: random keys.
	PartitionKey string `json:"partitionKey,omitempty"`
	// FirstEvent is the number that errors give the first event, for who puts many events part by part.
	FirstEvent uint64 `json:"firstEvent,omitempty"`
}

// EventsPut is what was put into a stream.
type EventsPut struct {
	StreamName string `json:"streamName"`
	Events     uint64 `json:"events"`
	Bytes      uint64 `json:"bytes"`
	// Throttled is how often an event had to be put again because the stream was busy.
	Throttled uint64 `json:"throttled"`
}

// PutEvents puts events into a stream. Nothing is put unless each of them can be; what a busy stream does not take at once is put
// again. If an error comes when some events are in the stream, its text says which are not, counted from 0.
func (c *Client) PutEvents(ctx context.Context, put PutEvents) (*EventsPut, error) {
	if put.Events == nil {
		put.Events = []any{}
	}
	return ask[EventsPut](ctx, c, "put_events", C.operation(C.helios_client_put_events), put)
}

// SampleOptions says how to read a sample. What is nil or empty is at its default.
type SampleOptions struct {
	// MaxEvents is how many events are enough. Default: 100.
	MaxEvents *int `json:"maxEvents,omitempty"`
	// Position is where to begin: "now", "oldest" or an ISO 8601 time. Default: recent history first.
	Position string `json:"position,omitempty"`
	// Until is up to when, an ISO 8601 time: what arrived before. Default: up to the present end.
	Until string `json:"until,omitempty"`
	// TimeLimitSeconds is how long it may take. Default: 10.
	TimeLimitSeconds *float64 `json:"timeLimitSeconds,omitempty"`
	// Inference says how types are chosen.
	Inference *Inference `json:"inference,omitempty"`
	// OnProgress is asked whether to go on: when the shards are known, after each round through them, and four times a
	// second. If it says no, what was found by then is the sample. If it panics or ends its goroutine, which is not the
	// caller's, the caller's goroutine does so, too. It must not close the client, which would wait for it. KinesisSample
	// calls it, no other method.
	OnProgress func(SampleProgress) bool `json:"-"`
}

// SampleProgress is how far a sample is.
type SampleProgress struct {
	// Events and Unreadable count what was found, Bytes those of the events.
	Events     uint64 `json:"events"`
	Unreadable uint64 `json:"unreadable"`
	Bytes      uint64 `json:"bytes"`
	// Shards are those of the stream, Reads the pages that were read of them.
	Shards uint64 `json:"shards"`
	Reads  uint64 `json:"reads"`
}

// Inference says how types are chosen, where there is a choice. What is nil or empty is at its default.
type Inference struct {
	// Integers are "wide", 64 bits and more, or "narrow", as few as hold the sampled values. Default: "wide".
	Integers string `json:"integers,omitempty"`
	// Decimals is what numbers with a fraction become: "float", or "decimal", numbers in quotes too. Default: "float".
	Decimals string `json:"decimals,omitempty"`
	// Nullable says which columns may be null: "whereMissing", "never" or "always". Default: "whereMissing".
	Nullable string `json:"nullable,omitempty"`
	// Objects is what objects become: "auto" (tuples, maps, JSON), "flatten" (a column for each field), "json" or "text". Default: "auto".
	Objects string `json:"objects,omitempty"`
	// LowCardinality says whether strings that repeat become LowCardinality(String). Default: true.
	LowCardinality *bool `json:"lowCardinality,omitempty"`
}

// A Column of a table.
type Column struct {
	Name string `json:"name"`
	// Type is ClickHouse's.
	Type string `json:"type"`
	// Default, as JSON, stands in for an absent field: null, a boolean, a number, a text, or a list of such. Nil: the type
	// decides.
	Default json.RawMessage `json:"default,omitempty"`
	// Field is the field of an event that it is filled from, as a JSON Pointer. Empty: the top-level field of its name.
	Field string `json:"field,omitempty"`
	// Unit is that in which numbers count the time since 1970, of a DateTime or DateTime64: "seconds", "milliseconds",
	// "microseconds" or "nanoseconds". Empty: integers that are times of this century in one of them, and the type, decide.
	Unit string `json:"unit,omitempty"`
}

// ColumnEvidence is what the type of a column rests on.
type ColumnEvidence struct {
	Name string `json:"name"`
	// Type is ClickHouse's.
	Type string `json:"type"`
	// Present, Null and Absent count events: with a value, with null, without the key.
	Present uint64 `json:"present"`
	Null    uint64 `json:"null"`
	Absent  uint64 `json:"absent"`
	// Kinds counts the values of each kind.
	Kinds map[string]uint64 `json:"kinds"`
	// Min and Max are the least and the greatest number, or the first and the last string, as JSON; nil of other kinds.
	Min *string `json:"min"`
	Max *string `json:"max"`
	// Distinct counts different values: exact up to 1,024, else within some percent. Nil of lists and objects.
	Distinct *uint64 `json:"distinct"`
	// Examples are the first different values, as JSON.
	Examples []string `json:"examples"`
	// Why is the reason for this type, and not a narrower one.
	Why string `json:"why"`
	// Confidence is how far the sample bears the type out: "low", "medium" or "high".
	Confidence string `json:"confidence"`
	// Suggestions are types that a person who knows the stream may prefer.
	Suggestions []Suggestion `json:"suggestions"`
}

// A Suggestion is another type that fits the sampled values, and what speaks for it.
type Suggestion struct {
	Type string `json:"type"`
	Why  string `json:"why"`
	// Unit is that in which the numbers count the time since 1970, for the column's Unit.
	Unit string `json:"unit,omitempty"`
}

// A Proposal is keys of a table, and why these.
type Proposal struct {
	// OrderBy is the sorting key.
	OrderBy []string `json:"orderBy"`
	// PartitionBy is the partition key, nil for none.
	PartitionBy *string `json:"partitionBy"`
	// TimeColumn has the time of an event, nil if no column has.
	TimeColumn *string  `json:"timeColumn"`
	Why        []string `json:"why"`
}

// A SampleRecord is one sampled event, and where it was.
type SampleRecord struct {
	Shard          string `json:"shard"`
	SequenceNumber string `json:"sequenceNumber"`
	SubSequence    uint64 `json:"subSequence"`
	// ArrivedAt is when it arrived, roughly, in ISO 8601.
	ArrivedAt string `json:"arrivedAt"`
	// Event is it as it was sent, null for what is none.
	Event json.RawMessage `json:"event"`
	// Raw is the beginning of what is no event, and Why says why.
	Raw string `json:"raw,omitempty"`
	Why string `json:"why,omitempty"`
}

// A StreamSample is what a stream holds.
type StreamSample struct {
	// SampleEvent is a typical event as it was sent, null if there is none.
	SampleEvent json.RawMessage `json:"sampleEvent"`
	// InferredSchema are columns that every sampled event fits.
	InferredSchema []Column `json:"inferredSchema"`
	// Samples are the first events, and what was none: at most 10 of each.
	Samples []SampleRecord `json:"samples"`
	// Columns say what each column's type rests on.
	Columns []ColumnEvidence `json:"columns"`
	// Proposal has keys of a table with these columns.
	Proposal Proposal `json:"proposal"`
	// CreateTableQuery would make such a table, of the stream's name; nil without columns.
	CreateTableQuery *string `json:"createTableQuery"`
	EventsRead       uint64  `json:"eventsRead"`
	// Unreadable counts those that are no JSON objects.
	Unreadable uint64 `json:"unreadable"`
	// EndedBy is why there are no more: "max_events", "max_bytes", "end_of_stream", "time_limit", "stopped";
	// "no_records" if there is none at all.
	EndedBy string   `json:"endedBy"`
	Notes   []string `json:"notes"`
}

// KinesisSample reads a few events of a stream and infers the schema that fits them all. Options may be nil.
func (c *Client) KinesisSample(ctx context.Context, stream string, options *SampleOptions) (*StreamSample, error) {
	cStream, err := cText("stream", stream)
	if err != nil {
		return nil, err
	}
	defer free(cStream)
	cOptions, err := optionsJSON(options)
	if err != nil {
		return nil, err
	}
	defer free(cOptions)
	asked := new(asked[SampleProgress])
	if options != nil {
		asked.goOn = options.OnProgress
	}
	handle := cgo.NewHandle(asked)
	defer handle.Delete()
	sample := new(StreamSample)
	take := func(client *C.helios_client, text **C.char, failure **C.helios_error) C.helios_status {
		return C.helios_client_kinesis_sample(client, cStream, cOptions, asked.callback(), unsafe.Pointer(&handle), text, failure)
	}
	err = c.answer(ctx, "kinesis_sample", sample, take)
	if err := asked.finish(err); err != nil {
		return nil, err
	}
	return sample, nil
}
