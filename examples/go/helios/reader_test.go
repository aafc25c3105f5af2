package helios

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"testing"
)

const numbers = "SELECT number AS unread FROM system.numbers"

// readSome reads the beginning of a result.
func readSome(t *testing.T, reader io.Reader) {
	t.Helper()
	if _, err := io.ReadFull(reader, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
}

// panicOf is what a call panics with, nil if it does not.
func panicOf(call func()) (panicked any) {
	defer func() { panicked = recover() }()
	call()
	return nil
}

func TestQueryReader(t *testing.T) {
	client := openEngine(t)
	before := runtime.NumGoroutine()
	sql := "SELECT number AS n, 'it''s' AS s FROM numbers(100000)"
	for _, format := range []Format{JSON, NDJSON, CSV, Arrow, Parquet} {
		var written bytes.Buffer
		if err := client.QueryTo(background, &written, format, sql, nil); err != nil {
			t.Fatal(err)
		}
		reader := client.QueryReader(background, format, sql, nil)
		read, err := io.ReadAll(reader)
		if err != nil || !bytes.Equal(read, written.Bytes()) && format != JSON {
			t.Errorf("%s: %d bytes of %d, %v", format, len(read), written.Len(), err)
		}
		if n, err := reader.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("%s: got %d, %v", format, n, err)
		}
		reader.Close()
		if _, err := reader.Read(make([]byte, 1)); err != io.ErrClosedPipe {
			t.Errorf("%s: got %v", format, err)
		}
	}
	untilAsFew(before)
}

func TestAReaderOfAQueryThatFails(t *testing.T) {
	client := openEngine(t)
	before := runtime.NumGoroutine()
	for sql, text := range map[string]string{
		"SELECT throwIf(number = 3000000, 'late') AS x FROM numbers(4000000)": "late",
		"SELECT": "Syntax error",
	} {
		reader := client.QueryReader(background, CSV, sql, nil)
		read, err := io.Copy(io.Discard, reader)
		expect(t, err, InvalidQuery, text)
		if text == "late" && read == 0 {
			t.Error("nothing came before the error")
		}
		// It stays at that.
		_, err = reader.Read(make([]byte, 1))
		expect(t, err, InvalidQuery, text)
		reader.Close()
	}
	reader := client.QueryReader(background, CSV, "a\x00b", nil)
	expect(t, second(reader.Read(make([]byte, 1))), InvalidInput, "sql holds a NUL byte")
	reader.Close()
	untilAsFew(before)
}

func TestAReaderThatIsClosedEarlyEndsItsQuery(t *testing.T) {
	client := openEngine(t)
	before := runtime.NumGoroutine()
	for name, one := range map[string]struct {
		sql   string
		early func(io.ReadCloser)
	}{
		"unread":       {numbers, func(io.ReadCloser) {}},
		"begun":        {numbers, func(reader io.ReadCloser) { readSome(t, reader) }},
		"being-read":   {numbers, func(reader io.ReadCloser) { go io.Copy(io.Discard, reader) }},
		"before-a-row": {endless, func(io.ReadCloser) { untilRunning(t, client, "before-a-row") }},
	} {
		reader := client.QueryReader(background, CSV, one.sql, &QueryOptions{QueryID: name})
		one.early(reader)
		if err := reader.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		reader.Close()
		untilGone(t, client, one.sql)
	}
	untilAsFew(before)
}

func TestAContextEndsAReader(t *testing.T) {
	client := openEngine(t)
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(background)
	reader := client.QueryReader(ctx, CSV, numbers, nil)
	readSome(t, reader)
	cancel()
	// Also while nobody reads.
	untilGone(t, client, numbers)
	_, err := io.Copy(io.Discard, reader)
	expect(t, err, Cancelled, "context canceled")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	// It is not closed, and nothing of it is left nevertheless.
	untilAsFew(before)
}

func TestAReaderOutlivesItsClient(t *testing.T) {
	client := openEngine(t)
	reader := client.QueryReader(background, NDJSON, numbers, nil)
	readSome(t, reader)
	client.Close()
	readSome(t, reader)
	reader.Close()
	// Nothing has the engine any more.
	mustQuery(t, openEngine(t), "SELECT 1", nil)
}

func TestAForgottenReaderIsClosed(t *testing.T) {
	before := runtime.NumGoroutine()
	func() {
		client := openEngine(t)
		defer client.Close()
		readSome(t, client.QueryReader(background, CSV, numbers, nil))
		rows := client.QueryRows(background, numbers, nil)
		if !rows.Next() {
			t.Error(rows.Err())
		}
	}()
	mustQuery(t, openAgain(t), "SELECT 1", nil)
	untilAsFew(before)
}

func TestAReaderWhoseFunctionPanics(t *testing.T) {
	client := openEngine(t)
	options := &QueryOptions{OnProgress: func(QueryProgress) bool { panic("dropped") }}
	reader := client.QueryReader(background, CSV, numbers, options)
	if panicked := panicOf(func() { io.Copy(io.Discard, reader) }); panicked != "dropped" {
		t.Errorf("got %v", panicked)
	}
	// Once, and it is no whole result.
	if _, err := reader.Read(make([]byte, 1)); err != io.ErrUnexpectedEOF {
		t.Errorf("got %v", err)
	}
	reader.Close()

	called := make(chan struct{})
	options.OnProgress = func(QueryProgress) bool {
		defer close(called)
		panic("dropped")
	}
	reader = client.QueryReader(background, CSV, endless, options)
	<-called
	if panicked := panicOf(func() { reader.Close() }); panicked != "dropped" {
		t.Errorf("got %v", panicked)
	}
	reader.Close()
	// Rows that were under way do not hide it.
	if panicked := panicOf(func() {
		options := &QueryOptions{OnProgress: func(QueryProgress) bool { panic("dropped") }}
		client.QueryTo(background, io.Discard, CSV, numbers, options)
	}); panicked != "dropped" {
		t.Errorf("got %v", panicked)
	}
	untilGone(t, client, numbers)
}
