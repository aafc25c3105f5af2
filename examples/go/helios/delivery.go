package helios

/*
#include "operation.h"
*/
import "C"

import (
	"context"
	"time"
)

// ReportOptions says which source a report is about.
type ReportOptions struct {
	TableName string `json:"tableName"`
	// DatabaseName is by default "default".
	DatabaseName string `json:"databaseName,omitempty"`
	// StreamName is a name or an ARN, needed only where several streams fill the table.
	StreamName string `json:"streamName,omitempty"`
	// CountRows counts the table's rows and compares them with what was inserted. This reads one column of the whole table.
	CountRows bool `json:"countRows,omitempty"`
}

// A DeliveryReport is what became of the events of a source.
type DeliveryReport struct {
	StreamName   string `json:"streamName"`
	StreamARN    string `json:"streamARN"`
	TableName    string `json:"tableName"`
	DatabaseName string `json:"databaseName"`
	TableUUID    string `json:"tableUUID"`
	// Balanced is whether all events that came are accounted for: in every shard received = inserted + quarantined +
	// duplicates + abandoned, none is known to be missing or in doubt, no shard has stopped, no events have waited for more
	// than half the stream's retention, and the row count matches, if rows were counted.
	Balanced bool `json:"balanced"`
	// Received counts events as often as they came.
	Received    uint64 `json:"received"`
	Inserted    uint64 `json:"inserted"`
	Quarantined uint64 `json:"quarantined"`
	Duplicates  uint64 `json:"duplicates"`
	Abandoned   uint64 `json:"abandoned"`
	// Shards are those of the stream, and those that the ledger knows.
	Shards     []ShardReport    `json:"shards"`
	Quarantine QuarantineCounts `json:"quarantine"`
	// Counted is the number of rows in the table, compared with what was inserted; nil unless CountRows was set and the rows
	// can be counted.
	Counted *RowCount `json:"counted"`
	// Errors say what is wrong, for a person; none if Balanced.
	Errors []string `json:"errors"`
	// Warnings say what puts the delivery at risk, for a person.
	Warnings []string `json:"warnings"`
}

// Check makes what is wrong an error, of the kind [Conflict].
func (r *DeliveryReport) Check() error {
	if len(r.Errors) == 0 {
		return nil
	}
	return &Error{Kind: Conflict, Message: r.Errors[0], Operation: "delivery_report"}
}

// A ShardReport is what became of the events of one shard.
type ShardReport struct {
	Shard string `json:"shard"`
	// State is "caughtUp", "delivering", "finished", "waiting", "failing" or "uncertain".
	State       string `json:"state"`
	Received    uint64 `json:"received"`
	Inserted    uint64 `json:"inserted"`
	Quarantined uint64 `json:"quarantined"`
	Duplicates  uint64 `json:"duplicates"`
	Abandoned   uint64 `json:"abandoned"`
	// From is the first event that was delivered: sequence number, dot, place in the record.
	From *string `json:"from"`
	// To is the last, and all between the two were delivered.
	To *string `json:"to"`
	// LastEventTime is when the last event that was delivered arrived in the stream.
	LastEventTime *time.Time `json:"lastEventTime"`
	// LagSeconds is how old the oldest undelivered event is: 0 if there is none, nil if that could not be found out.
	LagSeconds *float64 `json:"lagSeconds"`
	// ExpiresInSeconds is after how long that event expires.
	ExpiresInSeconds *float64 `json:"expiresInSeconds"`
	// OpenRange may be in the table, or not: first event, hyphen, last event.
	OpenRange *string `json:"openRange"`
	// Trouble is why it does not go on.
	Trouble *DeliveryTrouble `json:"trouble"`
	// Gaps are ranges of events that were lost before they could be delivered.
	Gaps []GapReport `json:"gaps"`
}

// A DeliveryTrouble is why a shard does not go on.
type DeliveryTrouble struct {
	// Kind is "failing": ClickHouse does not take the events; or "uncertain": whether they are in the table cannot be known.
	Kind string `json:"kind"`
	// ServerCode is ClickHouse's number, where it gave one.
	ServerCode *uint32   `json:"serverCode"`
	Since      time.Time `json:"since"`
}

// A GapReport is a range of events that were lost; how many they were nobody knows.
type GapReport struct {
	// After is the last event before them.
	After string `json:"after"`
	// Before is the first event after them.
	Before string `json:"before"`
	// Since is when that was found out.
	Since time.Time `json:"since"`
}

// A RowCount says how many rows Helios has inserted into a table, for all its sources.
type RowCount struct {
	// Rows is how many the table has.
	Rows uint64 `json:"rows"`
	// Expected is how many it must have at least: the rows whose insert has finished.
	Expected uint64 `json:"expected"`
	// UnderWay is how many more it may have: the rows whose insert is in progress.
	UnderWay uint64 `json:"underWay"`
}

// QuarantineCounts are the quarantine of a table.
type QuarantineCounts struct {
	// Events are in it now.
	Events uint64 `json:"events"`
	// Replayed were put into the table since.
	Replayed  uint64 `json:"replayed"`
	Discarded uint64 `json:"discarded"`
}

// DeliveryReport says what became of the events of a source: how many came, where they are, what is still to come, and
// whether any are missing.
func (c *Client) DeliveryReport(ctx context.Context, options ReportOptions) (*DeliveryReport, error) {
	return ask[DeliveryReport](ctx, c, "delivery_report", C.operation(C.helios_client_delivery_report), options)
}

// An Outcome is what became of an open range.
type Outcome string

// The outcomes.
const (
	// Committed: its rows are in the table; it is closed.
	Committed Outcome = "committed"
	// Absent: none of its rows is in the table; they are inserted, as if for the first time.
	Absent Outcome = "absent"
	// Abandon: it is given up; what is not in the table is lost, and counted as abandoned.
	Abandon Outcome = "abandon"
)

// SettleRange says which open range to settle, and how.
type SettleRange struct {
	TableName string `json:"tableName"`
	// DatabaseName is by default "default".
	DatabaseName string `json:"databaseName,omitempty"`
	// StreamName is needed only where several streams fill the table.
	StreamName string `json:"streamName,omitempty"`
	// Shard is "quarantine" for a replay of rejects that was interrupted.
	Shard   string  `json:"shard"`
	Outcome Outcome `json:"outcome"`
}

// RangeSettled is a range that was settled.
type RangeSettled struct {
	Shard string `json:"shard"`
	// Range is its first event and its last.
	Range   string  `json:"range"`
	Outcome Outcome `json:"outcome"`
	// Message says what follows, for a person.
	Message string `json:"message"`
}

// SettleRange settles a range that is uncertain or failing: somebody has looked into the table, and says what became of it.
func (c *Client) SettleRange(ctx context.Context, settle SettleRange) (*RangeSettled, error) {
	return ask[RangeSettled](ctx, c, "settle_range", C.operation(C.helios_client_settle_range), settle)
}
