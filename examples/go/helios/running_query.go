package helios

/*
#include "operation.h"
*/
import "C"

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"
)

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
func (c *Client) CancelQuery(queryID string) (found bool, err error) {
	type queryCancelled struct {
		Found bool `json:"found"`
	}
	cancelled, err := ask[queryCancelled](c, C.operation(C.helios_client_cancel_query), runningQuery{queryID})
	if err != nil {
		return false, err
	}
	return cancelled.Found, nil
}

// QueryProgress says how far the query of this name is: nil if none runs.
func (c *Client) QueryProgress(queryID string) (*QueryProgress, error) {
	progress, err := ask[*QueryProgress](c, C.operation(C.helios_client_query_progress), runningQuery{queryID})
	if err != nil {
		return nil, err
	}
	return *progress, nil
}

// How long a query is given to end before it is cancelled once more.
const cancelInterval = 100 * time.Millisecond

// cancelWith cancels a query when the context ends, until done is called. It uses the client as the call does that is under
// way: a lock of its own could wait for a Close that waits for that call.
func cancelWith(ctx context.Context, client *C.helios_client, queryID string) (done func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	ended, left := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(left)
		select {
		case <-ended:
			return
		case <-ctx.Done():
		}
		options, err := cJSON("options", runningQuery{queryID})
		if err != nil {
			// The call itself has failed with the same text.
			return
		}
		defer free(options)
		// Again and again, whatever comes of it: it may not have begun yet, or be between two statements.
		for {
			var answer *C.char
			C.helios_client_cancel_query(client, options, &answer, nil)
			C.helios_string_free(answer)
			select {
			case <-ended:
				return
			case <-time.After(cancelInterval):
			}
		}
	}()
	return func() {
		close(ended)
		<-left
	}
}

// randomID is a name that no other query has.
func randomID() (string, error) {
	var bytes [16]byte
	if _, err := rand.Read(bytes[:]); err != nil {
		return "", fmt.Errorf("helios: no name for the query: %w", err)
	}
	return hex.EncodeToString(bytes[:]), nil
}
