package helios

/*
#include "operation.h"
*/
import "C"

import (
	"context"
	"time"
)

// Rejects says which rejects of a table are meant: all, or those that meet every condition given.
type Rejects struct {
	TableName string `json:"tableName"`
	// DatabaseName is by default "default".
	DatabaseName string `json:"databaseName,omitempty"`
	// ErrorType is the reason: "out_of_range".
	ErrorType string `json:"errorType,omitempty"`
	// Path is the place in the event: "$.place.tags[2]", or "$.place.tags[*]" for any element of that list.
	Path string `json:"path,omitempty"`
	// SequenceNumber is that of the record it was in.
	SequenceNumber string `json:"sequenceNumber,omitempty"`
	// Since when, or later, they are in quarantine.
	Since *time.Time `json:"since,omitempty"`
	// Until is before when they came into quarantine.
	Until *time.Time `json:"until,omitempty"`
}

// A RejectGroup is rejects of one reason and place.
type RejectGroup struct {
	// ErrorType is the reason: "out_of_range".
	ErrorType string `json:"errorType"`
	// Path is where in the event, elements of lists as [*].
	Path *string `json:"path"`
	// Column is the one it did not fit into.
	Column *string `json:"column"`
	// Wanted is the ClickHouse type that was wanted there.
	Wanted *string `json:"wanted"`
	// Events is how many there are.
	Events uint64    `json:"events"`
	Oldest time.Time `json:"oldest"`
	Newest time.Time `json:"newest"`
	// Example is one of them, the newest; of its bytes the first 4096.
	Example StoredReject `json:"example"`
}

// A StoredReject is one event in quarantine, with its reason and its bytes.
type StoredReject struct {
	// ErrorType is the reason: "out_of_range".
	ErrorType string `json:"errorType"`
	// ErrorMessage is the reason, for a person.
	ErrorMessage string `json:"errorMessage"`
	// Column is the one it did not fit into, if it was one column's fault.
	Column *string `json:"column"`
	// Path is where in the event: "$.place.tags[2]".
	Path *string `json:"path"`
	// Wanted is the ClickHouse type that was wanted there.
	Wanted *string `json:"wanted"`
	// Value is the JSON value that was there, or its beginning.
	Value *string `json:"value"`
	// RawData is the event as it came; bytes that are not UTF-8 are shown as U+FFFD.
	RawData string `json:"rawData"`
	// RawDataBase64 are the bytes of an event that is not UTF-8.
	RawDataBase64 *string `json:"rawDataBase64"`
	// InsertionTimestamp is when it was put into quarantine.
	InsertionTimestamp time.Time `json:"insertionTimestamp"`
	// Stream is an ARN.
	Stream         string `json:"stream"`
	Shard          string `json:"shard"`
	SequenceNumber string `json:"sequenceNumber"`
	// SubSequence is its place in the record.
	SubSequence uint64 `json:"subSequence"`
	// ArrivedAt is when the record arrived in the stream, as far as is known.
	ArrivedAt *time.Time `json:"arrivedAt"`
	// SchemaVersion is the schema that it did not fit.
	SchemaVersion string `json:"schemaVersion"`
}

// A QuarantineSummary is what of a table's events is in quarantine.
type QuarantineSummary struct {
	// Total is how many events.
	Total  uint64     `json:"total"`
	Oldest *time.Time `json:"oldest"`
	Newest *time.Time `json:"newest"`
	// Groups are the same by reason and place, the largest first, at most 1000.
	Groups []RejectGroup `json:"groups"`
}

// Quarantine says what of a table's events is in quarantine, by reason and place.
func (c *Client) Quarantine(ctx context.Context, rejects Rejects) (*QuarantineSummary, error) {
	return ask[QuarantineSummary](ctx, c, "quarantine", C.operation(C.helios_client_quarantine), rejects)
}

// ShowRejects says which rejects to show.
type ShowRejects struct {
	Rejects
	// Limit is how many at most, 1 to 1000. Default: 20.
	Limit *int `json:"limit,omitempty"`
	// Offset is how many to pass over.
	Offset int `json:"offset,omitempty"`
}

// ShownRejects are rejects, the newest first.
type ShownRejects struct {
	// Total is how many there are.
	Total uint64 `json:"total"`
	// Rejects are those that were asked for.
	Rejects []StoredReject `json:"rejects"`
}

// QuarantineShow shows rejects with their bytes.
func (c *Client) QuarantineShow(ctx context.Context, show ShowRejects) (*ShownRejects, error) {
	return ask[ShownRejects](ctx, c, "quarantine_show", C.operation(C.helios_client_quarantine_show), show)
}

// ReplayRejects says which rejects to replay.
type ReplayRejects struct {
	Rejects
	// DryRun only tries whether they would fit; nothing is changed.
	DryRun bool `json:"dryRun,omitempty"`
}

// RemainingRejects are rejects that still do not fit, of one reason and place.
type RemainingRejects struct {
	ErrorType string  `json:"errorType"`
	Path      *string `json:"path"`
	Column    *string `json:"column"`
	Wanted    *string `json:"wanted"`
	Events    uint64  `json:"events"`
}

// A ReplayReport is what came of a replay.
type ReplayReport struct {
	DryRun bool `json:"dryRun"`
	// Considered is how many rejects were looked at.
	Considered uint64 `json:"considered"`
	// Fit is how many of them fit the table as it is now.
	Fit uint64 `json:"fit"`
	// Replayed is how many events have become rows and left the quarantine.
	Replayed uint64 `json:"replayed"`
	// Message is for a person.
	Message string `json:"message"`
	// Remaining says why the others do not fit, the largest group first.
	Remaining []RemainingRejects `json:"remaining"`
}

// QuarantineReplay replays rejects: those that fit the table as it is now become rows, once, and leave the quarantine.
// Repeating it does nothing more; one that was interrupted is finished by the next.
// Rejects whose shard has not delivered their range yet stay, and the message counts them.
func (c *Client) QuarantineReplay(ctx context.Context, replay ReplayRejects) (*ReplayReport, error) {
	return ask[ReplayReport](ctx, c, "quarantine_replay", C.operation(C.helios_client_quarantine_replay), replay)
}

// Discarded is what was thrown away.
type Discarded struct {
	// Discarded is how many events.
	Discarded uint64 `json:"discarded"`
}

// QuarantineDiscard throws rejects away: they are lost.
func (c *Client) QuarantineDiscard(ctx context.Context, rejects Rejects) (*Discarded, error) {
	return ask[Discarded](ctx, c, "quarantine_discard", C.operation(C.helios_client_quarantine_discard), rejects)
}

// Retention is for how long the rejects of a table are kept.
type Retention struct {
	TableName string `json:"tableName"`
	// DatabaseName is by default "default".
	DatabaseName string `json:"databaseName,omitempty"`
	// Days is after how many ClickHouse deletes them, 1 to 36500; nil: never, as at first.
	Days *int `json:"days"`
}

// QuarantineRetention sets for how long the rejects of a table are kept.
func (c *Client) QuarantineRetention(ctx context.Context, retention Retention) (*Retention, error) {
	return ask[Retention](ctx, c, "quarantine_retention", C.operation(C.helios_client_quarantine_retention), retention)
}
