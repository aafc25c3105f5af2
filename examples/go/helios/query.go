package helios

/*
#include "operation.h"
*/
import "C"

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// QueryOptions says how a query may run. What is nil is not given: no limit. A limit of zero is refused, not taken for none.
type QueryOptions struct {
	// Parameters are values of {name:Type} in the text: texts, numbers, truth values. They never become SQL.
	Parameters map[string]any `json:"parameters,omitempty"`
	// Database is the database of tables named without one.
	Database string `json:"database,omitempty"`
	// ReadOnly refuses everything that writes or reaches outside.
	ReadOnly bool `json:"readOnly,omitempty"`
	// MaxExecutionSeconds is how long the query may take.
	MaxExecutionSeconds *float64 `json:"maxExecutionSeconds,omitempty"`
	// MaxResultRows is how many rows the result may have.
	MaxResultRows *int `json:"maxResultRows,omitempty"`
	// MaxResultBytes is how many bytes the result may have.
	MaxResultBytes *int `json:"maxResultBytes,omitempty"`
	// MaxMemoryUsage is how much memory the query may need, in bytes.
	MaxMemoryUsage *int `json:"maxMemoryUsage,omitempty"`
	// Limit gives the first so many rows, and no more.
	Limit *int `json:"limit,omitempty"`
	// Quote64BitIntegers answers with 64-bit integers as text in JSON.
	Quote64BitIntegers bool `json:"quote64BitIntegers,omitempty"`
	// Times is how times are written in JSON and CSV. Default: ISO.
	Times TimeForm `json:"times,omitempty"`
	// WideIntegers is what 128 and 256-bit integers are in Arrow. Default: WideText.
	WideIntegers WideIntegers `json:"wideIntegers,omitempty"`
	// QueryID is the name by which the query can be cancelled and watched: 1 to 100 of A-Z a-z 0-9 _ . : -, and no other
	// query's. Default: a random one.
	QueryID string `json:"queryId,omitempty"`
	// OnProgress is asked about four times a second whether to go on, one call after the other. If it says no, the query is
	// cancelled, an error of the kind Cancelled. If it panics or ends its goroutine, which is not the caller's, the query
	// ends, and then the caller's goroutine does so, in the same way. It must not close the client, which would wait for it.
	OnProgress func(QueryProgress) bool `json:"-"`
}

// A TimeForm is how times are written in text.
type TimeForm string

// The forms of times.
const (
	// ISO is ISO 8601 in UTC: 2026-01-31T10:00:00Z.
	ISO TimeForm = "iso"
	// Simple is ClickHouse's own, in the column's zone: 2026-01-31 11:00:00.
	Simple TimeForm = "simple"
	// UnixTimestamp is seconds since 1970, in JSON as text.
	UnixTimestamp TimeForm = "unixTimestamp"
)

// WideIntegers is what 128 and 256-bit integers are in Arrow, which has none.
type WideIntegers string

// The forms of wide integers.
const (
	// WideText: their digits.
	WideText WideIntegers = "text"
	// WideDecimal: 128-bit ones are Decimal256(39, 0); 256-bit ones, which no decimal holds, 32 bytes, little-endian.
	WideDecimal WideIntegers = "decimal"
)

// QueryMetadata is what a result is.
type QueryMetadata struct {
	// Query is the SQL text as it was given.
	Query string `json:"query"`
	// RowCount is how many rows there are.
	RowCount uint64 `json:"row_count"`
	// ColumnNames are in order.
	ColumnNames []string `json:"column_names"`
	// ColumnTypes are ClickHouse's, in order.
	ColumnTypes []string `json:"column_types"`
}

// A QueryResult is a whole result.
type QueryResult struct {
	Metadata QueryMetadata `json:"metadata"`
	// Data are the rows as ClickHouse wrote them, a JSON object each: numbers of any size keep every digit.
	Data []json.RawMessage `json:"data"`
}

// Rows reads the rows of a result, one T each.
func Rows[T any](result *QueryResult) ([]T, error) {
	rows := make([]T, len(result.Data))
	for i, row := range result.Data {
		if err := json.Unmarshal(row, &rows[i]); err != nil {
			return nil, fmt.Errorf("helios: row %d: %w", i, err)
		}
	}
	return rows, nil
}

// Engine is the ClickHouse of a client.
type Engine struct {
	// Version is ClickHouse's version: "26.7.2.1".
	Version string `json:"version"`
	// Origin is what the embedded engine is and where it was loaded from: "libchdb, /opt/libchdb.so". It is nil for a server.
	Origin *string `json:"origin"`
}

// Engine says which ClickHouse the client runs on.
func (c *Client) Engine(ctx context.Context) (*Engine, error) {
	return tell[Engine](ctx, c, "engine", C.question(C.helios_client_engine))
}

// Databases lists every database with its tables, sorted.
func (c *Client) Databases(ctx context.Context) (map[string][]string, error) {
	databases, err := tell[map[string][]string](ctx, c, "databases", C.question(C.helios_client_databases))
	if err != nil {
		return nil, err
	}
	return *databases, nil
}

// Query runs one SQL statement and gives its whole result. Options may be nil. For large results see [Client.QueryRows],
// [Client.QueryReader] and [Client.QueryTo].
func (c *Client) Query(ctx context.Context, sql string, options *QueryOptions) (*QueryResult, error) {
	var whole bytes.Buffer
	if err := c.read(ctx, JSON, sql, options, &reading{take: whole.Write}); err != nil {
		return nil, err
	}
	result := new(QueryResult)
	if err := read(result, whole.Bytes()); err != nil {
		return nil, err
	}
	return result, nil
}

// validate refuses texts that encoding/json would change in silence.
func (o *QueryOptions) validate() error {
	if o == nil {
		return nil
	}
	for name, value := range o.Parameters {
		if text, ok := value.(string); !utf8.ValidString(name) || ok && !utf8.ValidString(text) {
			return &Error{Kind: InvalidUTF8, Message: fmt.Sprintf("the parameter %q is not UTF-8", name)}
		}
	}
	return nil
}
