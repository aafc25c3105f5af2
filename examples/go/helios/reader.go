package helios

import (
	"context"
	"io"
	"runtime"
	"sync"
)

// QueryReader runs one SQL statement and gives its result to be read, in constant memory: who reads slowly slows the query.
// It begins at once. Options may be nil. When the context ends, the query is cancelled, and so it is when the reader is closed
// before its end.
//
// What was read is a whole result only if Read has answered [io.EOF]. Any other error says why it is none, and so does an error
// of the start: that comes from Read, too.
//
// Close it in any case. Close waits until nothing of the query is left in this process; a ClickHouse that has to end it does so
// within a moment. Closing twice, and from another goroutine, is fine. The reader stays good when the client is closed. If
// OnProgress panics or ends its goroutine, Read or Close does so, once.
func (c *Client) QueryReader(ctx context.Context, format Format, sql string, options *QueryOptions) io.ReadCloser {
	ctx, cancel := context.WithCancel(ctx)
	read, write := io.Pipe()
	query := &pipedQuery{pipe: read, cancel: cancel}
	client, err := c.clone()
	query.ended = query.start(func() {
		defer cancel()
		if err != nil {
			write.CloseWithError(err)
			return
		}
		// It stays at that if QueryTo does not return, as OnProgress has not.
		end := io.ErrUnexpectedEOF
		defer func() { write.CloseWithError(end) }()
		defer client.Close()
		end = client.QueryTo(ctx, write, format, sql, options)
	})
	// A Write that nobody reads would be waited for.
	go func() {
		<-ctx.Done()
		write.CloseWithError(cancelledBy(ctx.Err(), "query"))
	}()
	reader := &queryReader{query}
	// For those that are forgotten. Nobody knows when it runs, if ever.
	runtime.SetFinalizer(reader, func(reader *queryReader) { reader.query.cancel() })
	return reader
}

// queryReader is what the caller has of a query that is read.
type queryReader struct {
	query *pipedQuery
}

// pipedQuery is a query that writes into a pipe.
type pipedQuery struct {
	pipe   *io.PipeReader
	cancel context.CancelFunc
	// Closed when nothing of the query is left here.
	ended chan struct{}
	// What OnProgress has done wrong, until somebody is told.
	guarded
	told sync.Once
}

func (r *queryReader) Read(bytes []byte) (int, error) {
	// One that is read is not forgotten.
	defer runtime.KeepAlive(r)
	n, err := r.query.pipe.Read(bytes)
	if err != nil {
		r.query.wait()
	}
	return n, err
}

func (r *queryReader) Close() error {
	defer runtime.KeepAlive(r)
	r.query.pipe.Close()
	r.query.cancel()
	r.query.wait()
	return nil
}

// wait waits until nothing of the query is left here.
func (q *pipedQuery) wait() {
	<-q.ended
	q.told.Do(func() { q.finish(nil) })
}
