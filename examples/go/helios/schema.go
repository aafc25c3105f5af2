package helios

/*
#include "operation.h"
*/
import "C"

import (
	"context"
	"encoding/json"
)

// CheckSchema says what to check: the events of a stream's sample, or events that are at hand, and the columns they should
// fit.
type CheckSchema struct {
	// StreamName is the stream to sample, a name or an ARN.
	StreamName string `json:"streamName,omitempty"`
	// Events are used in place of a sample, if they are not nil.
	Events []json.RawMessage `json:"events"`
	// Schema are the columns. Nil: those that are inferred from the events.
	Schema []Column `json:"schema"`
	// Edits are what to change of the columns first.
	Edits []SchemaEdit `json:"edits,omitempty"`
	// TableName is by default the name of the stream.
	TableName string `json:"tableName,omitempty"`
	// DatabaseName is by default "default".
	DatabaseName  string    `json:"databaseName,omitempty"`
	OrderBy       *[]string `json:"orderBy,omitempty"`
	PartitionBy   string    `json:"partitionBy,omitempty"`
	UnknownFields string    `json:"unknownFields,omitempty"`
	MissingFields string    `json:"missingFields,omitempty"`
	// Sample says how to sample the stream, and how types are inferred.
	Sample *SampleOptions `json:"sample,omitempty"`
}

// A SchemaEdit is a change of a schema: one of its fields is set.
type SchemaEdit struct {
	// Rename gives a column another name; it is still filled from the same field.
	Rename *RenameColumn `json:"rename,omitempty"`
	// Retype gives a column another type.
	Retype *RetypeColumn `json:"retype,omitempty"`
	// Unit sets the unit in which numbers count the time since 1970.
	Unit *UnitColumn `json:"unit,omitempty"`
	// Default sets what stands in for an absent field.
	Default *DefaultColumn `json:"default,omitempty"`
	// Drop takes a column away.
	Drop *DropColumn `json:"drop,omitempty"`
	// Add adds a column, as the last.
	Add *AddColumn `json:"add,omitempty"`
}

// A RenameColumn gives a column another name.
type RenameColumn struct {
	Column string `json:"column"`
	To     string `json:"to"`
}

// A RetypeColumn gives a column another type.
type RetypeColumn struct {
	Column string `json:"column"`
	Type   string `json:"type"`
}

// A UnitColumn sets the unit of a column's times.
type UnitColumn struct {
	Column string `json:"column"`
	// Value is "seconds", "milliseconds", "microseconds" or "nanoseconds"; empty: the column does not say it.
	Value string `json:"value,omitempty"`
}

// A DefaultColumn sets a column's default.
type DefaultColumn struct {
	Column string `json:"column"`
	// Value is JSON; nil: the type decides again.
	Value json.RawMessage `json:"value,omitempty"`
}

// A DropColumn takes a column away.
type DropColumn struct {
	Column string `json:"column"`
}

// An AddColumn adds a column.
type AddColumn struct {
	Column Column `json:"column"`
}

// A SchemaCheck is what a table would make of events.
type SchemaCheck struct {
	// Schema are the columns, as they were edited.
	Schema []Column `json:"schema"`
	// Events counts those that were looked at, Fitting those that would be rows, Rejected the others.
	Events   uint64 `json:"events"`
	Fitting  uint64 `json:"fitting"`
	Rejected uint64 `json:"rejected"`
	// Rejects are the first 100 of these.
	Rejects []SampleReject `json:"rejects"`
	// UnknownFields are top-level fields for which there is no column, and how many events have each.
	UnknownFields map[string]uint64 `json:"unknownFields"`
	// CreateTableQuery would make the table.
	CreateTableQuery string `json:"createTableQuery"`
}

// A SampleReject is why an event would be rejected.
type SampleReject struct {
	// Event is counted from 0.
	Event uint64 `json:"event"`
	// ErrorType is the word for what is wrong, and Message says it for a person.
	ErrorType string `json:"errorType"`
	Message   string `json:"message"`
	// Column is the one that it does not fit into, nil if it is not one column's fault.
	Column *string `json:"column"`
	// Path is where in the event, as $.place.tags[2]; Wanted the ClickHouse type there; Value the JSON that was there, cut at
	// 256 bytes.
	Path   *string `json:"path"`
	Wanted *string `json:"wanted"`
	Value  *string `json:"value"`
}

// CheckSchema says which events a table with some columns would not take, and why, and what statement would make it. Nothing
// is made.
func (c *Client) CheckSchema(ctx context.Context, check CheckSchema) (*SchemaCheck, error) {
	return ask[SchemaCheck](ctx, c, "check_schema", C.operation(C.helios_client_check_schema), check)
}

// DriftOptions say which table to compare, and with which events.
type DriftOptions struct {
	TableName string `json:"tableName"`
	// DatabaseName is by default "default".
	DatabaseName string `json:"databaseName,omitempty"`
	// StreamName is needed only where several streams fill the table, or none of Helios'.
	StreamName string `json:"streamName,omitempty"`
	// Events are used in place of a sample, if they are not nil.
	Events []json.RawMessage `json:"events"`
	// Sample says how to sample the stream, and how types are inferred.
	Sample *SampleOptions `json:"sample,omitempty"`
}

// A SchemaDrift is how later events differ from the table that they go to, and what would mend it.
type SchemaDrift struct {
	// StreamARN is nil if the events were given.
	StreamARN    *string `json:"streamARN"`
	DatabaseName string  `json:"databaseName"`
	TableName    string  `json:"tableName"`
	// Events counts those that were looked at, Fitting those that are rows of the table as it is, Rejected the others.
	Events   uint64 `json:"events"`
	Fitting  uint64 `json:"fitting"`
	Rejected uint64 `json:"rejected"`
	// Rejects are the first 100 of these.
	Rejects []SampleReject `json:"rejects"`
	// NewFields are those that the table has no column for.
	NewFields []NewField `json:"newFields"`
	// Changed are columns that do not hold what some events have for them.
	Changed []ChangedColumn `json:"changed"`
	// Unsent are columns for which no event has a value.
	Unsent []string `json:"unsent"`
	// Alter is the statement that mends what can be mended, nil if there is nothing of it.
	Alter *string `json:"alter"`
}

// A NewField is a field that the table has no column for.
type NewField struct {
	// Field is where it is in an event, as a JSON Pointer.
	Field string `json:"field"`
	// Column is the one that it would have.
	Column Column `json:"column"`
	// Events counts those that have a value for it.
	Events uint64 `json:"events"`
	Why    string `json:"why"`
	// Examples are some of its values, as JSON.
	Examples []string `json:"examples"`
}

// A ChangedColumn does not hold what some events have for it.
type ChangedColumn struct {
	Column string `json:"column"`
	Type   string `json:"type"`
	// Events counts those it does not hold the value of, or not the whole.
	Events uint64 `json:"events"`
	// ErrorType is the word for what is wrong with the first of them, Message says it for a person, Path where it is.
	ErrorType string  `json:"errorType"`
	Message   string  `json:"message"`
	Path      *string `json:"path"`
	// Proposed is the type that would hold what is stored and all of the events, nil if there is none.
	Proposed *string `json:"proposed"`
	// Why says why that type, or why none.
	Why string `json:"why"`
}

// SchemaDrift compares a table with later events of the stream that fills it. Nothing is changed.
func (c *Client) SchemaDrift(ctx context.Context, options DriftOptions) (*SchemaDrift, error) {
	return ask[SchemaDrift](ctx, c, "schema_drift", C.operation(C.helios_client_schema_drift), options)
}
