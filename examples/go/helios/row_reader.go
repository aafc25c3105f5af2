package helios

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
)

// A RowReader is the rows of a result, one by one, in constant memory. It is for one goroutine at a time.
//
//	rows := client.QueryRows(ctx, "SELECT name, total FROM orders", nil)
//	defer rows.Close()
//	for rows.Next() {
//		var order order
//		if err := rows.Decode(&order); err != nil {
//			return err
//		}
//	}
//	return rows.Err()
type RowReader struct {
	result io.ReadCloser
	lines  *bufio.Reader
	// The one that Next has come to, nil if there is none.
	row []byte
	// How many there were.
	read uint64
	// Why there are no more; io.EOF if those were all.
	end error
}

// QueryRows runs one SQL statement and gives its rows one by one. As for [Client.QueryReader], it begins at once, is cancelled
// by the end of the context, is to be closed in any case, and stays good when the client is closed. Options may be nil.
func (c *Client) QueryRows(ctx context.Context, sql string, options *QueryOptions) *RowReader {
	result := c.QueryReader(ctx, NDJSON, sql, options)
	return &RowReader{result: result, lines: bufio.NewReaderSize(result, 65536)}
}

// Next goes to the next row, first to the first. False: there is none, and [RowReader.Err] says whether those were all.
func (r *RowReader) Next() bool {
	if r.end == nil {
		r.row, r.end = readLine(r.lines, r.row[:0])
	}
	if r.end != nil {
		r.row = nil
		return false
	}
	r.read++
	return true
}

// Row is the row as ClickHouse wrote it, a JSON object: numbers of any size keep every digit. It is good until the next Next,
// and nil where there is no row.
func (r *RowReader) Row() json.RawMessage { return r.row }

// Decode reads the row into value, as [json.Unmarshal] does. A row that does not fit is an error, and the next one can be read
// nevertheless.
func (r *RowReader) Decode(value any) error {
	if r.row == nil {
		return invalidInput("there is no row to decode: Next was not called, or has answered false")
	}
	if err := json.Unmarshal(r.row, value); err != nil {
		return fmt.Errorf("helios: row %d: %w", r.read-1, err)
	}
	return nil
}

// Err says why there are no more rows: nil if those were all, and as long as Next has not answered false. Rows that were closed
// before their end were not all: an error of the kind [Cancelled].
func (r *RowReader) Err() error {
	if r.end == io.EOF {
		return nil
	}
	return r.end
}

// Close ends the query if it still runs, and waits for that as the reader of [Client.QueryReader] does. Closing twice is fine.
func (r *RowReader) Close() error {
	if r.end == nil {
		r.end = &Error{Kind: Cancelled, Message: "the rows were closed before their end", Operation: "query"}
	}
	r.row = nil
	return r.result.Close()
}

// readLine appends the next line to what is given, without its end; [io.EOF] if there is none.
func readLine(lines *bufio.Reader, line []byte) ([]byte, error) {
	for {
		part, err := lines.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return line[:len(line)-1], nil
		case err == io.EOF && len(line) > 0:
			return nil, io.ErrUnexpectedEOF
		case err != bufio.ErrBufferFull:
			return nil, err
		}
	}
}
