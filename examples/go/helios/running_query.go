package helios

/*
#include "operation.h"
*/
import "C"

import "context"

// QueryProgress is how far a query that runs is.
type QueryProgress struct {
	// QueryID is the query's name.
	QueryID string `json:"queryId"`
	// ReadRows were read so far.
	ReadRows uint64 `json:"readRows"`
	// ReadBytes were read so far, in memory.
	ReadBytes uint64 `json:"readBytes"`
	// TotalRows is about how many rows there are to read, by ClickHouse's own estimate; nil where it has none.
	TotalRows *uint64 `json:"totalRows"`
	// ElapsedSeconds is how long it has run.
	ElapsedSeconds float64 `json:"elapsedSeconds"`
	// MemoryUsage is how many bytes of memory it holds.
	MemoryUsage uint64 `json:"memoryUsage"`
}

// runningQuery is a query by its name.
type runningQuery struct {
	QueryID string `json:"queryId"`
}

// CancelQuery ends the query of this name, whichever client of this ClickHouse began it; whoever waits for its result gets
// an error of the kind [Cancelled]. It says whether there was one. That there is none is no error.
func (c *Client) CancelQuery(ctx context.Context, queryID string) (found bool, err error) {
	type queryCancelled struct {
		Found bool `json:"found"`
	}
	cancelled, err := ask[queryCancelled](ctx, c, "cancel_query", C.operation(C.helios_client_cancel_query), runningQuery{queryID})
	if err != nil {
		return false, err
	}
	return cancelled.Found, nil
}

// QueryProgress says how far the query of this name is: nil if none runs.
func (c *Client) QueryProgress(ctx context.Context, queryID string) (*QueryProgress, error) {
	progress, err := ask[*QueryProgress](ctx, c, "query_progress", C.operation(C.helios_client_query_progress), runningQuery{queryID})
	if err != nil {
		return nil, err
	}
	return *progress, nil
}
