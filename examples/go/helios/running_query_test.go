package helios

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

const endless = "SELECT sum(number) AS endless FROM system.numbers"

// slow is endless too, and leaves the processor to others.
const slow = "SELECT sleepEachRow(0.01) AS slow FROM system.numbers SETTINGS max_block_size = 1"

// untilGone waits until no query that begins with this text runs: the engine adds where the result goes. The test's own time
// limit ends it if one stays.
func untilGone(t *testing.T, client *Client, text string) {
	t.Helper()
	for {
		result := mustQuery(t, client, "SELECT count() AS n FROM system.processes WHERE startsWith(query, {text:String})",
			&QueryOptions{Parameters: map[string]any{"text": text}})
		if string(result.Data[0]) == `{"n":0}` {
			return
		}
	}
}

// untilRunning waits until a query of this name runs.
func untilRunning(t *testing.T, client *Client, id string) *QueryProgress {
	t.Helper()
	for {
		progress, err := client.QueryProgress(background, id)
		if err != nil {
			t.Fatal(err)
		}
		if progress != nil {
			return progress
		}
	}
}

func TestQueryTo(t *testing.T) {
	client := openEngine(t)
	for format, ends := range map[Format][2]string{
		JSON:    {`{"data":[{"n":0,"s":"it\"s"}`, `"column_types":["UInt64","String"]}}`},
		NDJSON:  {`{"n":0,"s":"it\"s"}` + "\n", `{"n":99999,"s":"it\"s"}` + "\n"},
		CSV:     {"\"n\",\"s\"\n0,\"it\"\"s\"\n", "99999,\"it\"\"s\"\n"},
		Arrow:   {"\xff\xff\xff\xff", "\xff\xff\xff\xff\x00\x00\x00\x00"},
		Parquet: {"PAR1", "PAR1"},
	} {
		var written bytes.Buffer
		err := client.QueryTo(background, &written, format, `SELECT number AS n, 'it"s' AS s FROM numbers(100000)`, nil)
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		text := written.String()
		if !strings.HasPrefix(text, ends[0]) || !strings.HasSuffix(text, ends[1]) {
			t.Errorf("%s: %d bytes, %.60q … %q", format, len(text), text, text[len(text)-60:])
		}
	}
	err := client.QueryTo(background, new(bytes.Buffer), "xml", "SELECT 1", nil)
	expect(t, err, InvalidInput, "there is no `format` `xml`")

	var written bytes.Buffer
	late := "SELECT throwIf(number = 3000000, 'late') AS x FROM numbers(4000000)"
	expect(t, client.QueryTo(background, &written, CSV, late, nil), InvalidQuery, "late")
	if written.Len() == 0 {
		t.Error("nothing came before the error")
	}
}

// writer is an io.Writer of a function.
type writer func([]byte) (int, error)

func (w writer) Write(bytes []byte) (int, error) { return w(bytes) }

func TestAWriterThatFailsEndsItsQuery(t *testing.T) {
	client := openEngine(t)
	full := errors.New("the disk is full")
	sql := "SELECT number AS unwritten FROM system.numbers"
	err := client.QueryTo(background, writer(func([]byte) (int, error) { return 0, full }), CSV, sql, nil)
	if !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	untilGone(t, client, sql)

	func() {
		defer func() {
			if recovered := recover(); recovered != "dropped" {
				t.Errorf("got %v", recovered)
			}
		}()
		client.QueryTo(background, writer(func([]byte) (int, error) { panic("dropped") }), CSV, sql, nil)
	}()
	left := make(chan bool, 1)
	go func() {
		defer func() { left <- true }()
		client.QueryTo(background, writer(func([]byte) (int, error) { runtime.Goexit(); return 0, nil }), CSV, sql, nil)
		t.Error("it goes on")
	}()
	<-left
	untilGone(t, client, sql)
}

func TestAContextEndsItsQuery(t *testing.T) {
	client := openEngine(t)
	ctx, cancel := context.WithCancel(background)
	outcome := make(chan error)
	go func() {
		_, err := client.Query(ctx, endless, &QueryOptions{QueryID: "in-context"})
		outcome <- err
	}()
	untilRunning(t, client, "in-context")
	// Also while somebody waits to close the client.
	closed := make(chan error)
	go func() { closed <- client.Close() }()
	cancel()
	err := <-outcome
	expect(t, err, Cancelled, "context canceled")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-closed

	client = openEngine(t)
	_, err = client.Query(ctx, "SELECT 1", nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	// One that ends later changes nothing.
	ctx, cancel = context.WithCancel(background)
	if _, err := client.Query(ctx, "SELECT 1", nil); err != nil {
		t.Error(err)
	}
	cancel()
	mustQuery(t, client, "SELECT 1", nil)
}

func TestAQueryOfAnotherGoroutine(t *testing.T) {
	client := openEngine(t)
	if found, err := client.CancelQuery(background, "report-7"); found || err != nil {
		t.Errorf("got %v, %v", found, err)
	}
	if progress, err := client.QueryProgress(background, "report-7"); progress != nil || err != nil {
		t.Errorf("got %v, %v", progress, err)
	}
	_, err := client.CancelQuery(background, "it's")
	expect(t, err, InvalidInput, "`queryId` is 1 to 100")

	outcome := make(chan error)
	go func() {
		_, err := client.Query(background, endless, &QueryOptions{QueryID: "report-7"})
		outcome <- err
	}()
	if progress := untilRunning(t, client, "report-7"); progress.QueryID != "report-7" {
		t.Errorf("got %+v", progress)
	}
	if found, err := client.CancelQuery(background, "report-7"); !found || err != nil {
		t.Errorf("got %v, %v", found, err)
	}
	expect(t, <-outcome, Cancelled, "")
}

func TestAWatchedQuery(t *testing.T) {
	client := openEngine(t)
	var seen []uint64
	_, err := client.Query(background, endless, &QueryOptions{OnProgress: func(soFar QueryProgress) bool {
		seen = append(seen, soFar.ReadRows)
		// It may use the client.
		if _, err := client.Databases(background); err != nil {
			t.Error(err)
		}
		return len(seen) < 3
	}})
	expect(t, err, Cancelled, "")
	if len(seen) != 3 || seen[2] <= seen[0] {
		t.Errorf("got %v", seen)
	}
	func() {
		defer func() {
			if recovered := recover(); recovered != "dropped" {
				t.Errorf("got %v", recovered)
			}
		}()
		client.Query(background, endless, &QueryOptions{OnProgress: func(QueryProgress) bool { panic("dropped") }})
	}()
	untilGone(t, client, endless)
}

func TestWhereAnErrorIs(t *testing.T) {
	client := openEngine(t)
	_, err := client.Query(background, "SELECT 'é'\n  FORM x y", nil)
	failure := expect(t, err, InvalidQuery, "Syntax error")
	if failure.ServerErrorName != "SYNTAX_ERROR" || failure.Position == nil || *failure.Position != (SQLPosition{19, 2, 8}) {
		t.Errorf("got %+v, %+v", failure, failure.Position)
	}
	_, err = client.Query(background, "SELECT * FROM nowhere", nil)
	if failure := expect(t, err, NotFound, ""); failure.ServerErrorName != "UNKNOWN_TABLE" || failure.Position != nil {
		t.Errorf("got %+v", failure)
	}
}

func TestHowAResultIsWritten(t *testing.T) {
	client := openEngine(t)
	sql := "SELECT toUInt64(number) AS n, toDateTime(number, 'UTC') AS t FROM numbers(9)"
	for form, want := range map[TimeForm]string{
		"":            `"1970-01-01T00:00:00Z"`,
		ISO:           `"1970-01-01T00:00:00Z"`,
		Simple:        `"1970-01-01 00:00:00"`,
		UnixTimestamp: `"0"`,
	} {
		result := mustQuery(t, client, sql, &QueryOptions{Limit: Some(1), Times: form})
		if len(result.Data) != 1 || string(result.Data[0]) != fmt.Sprintf(`{"n":0,"t":%s}`, want) {
			t.Errorf("%s: got %s", form, result.Data)
		}
	}
	_, err := client.Query(background, sql, &QueryOptions{Times: "stardate"})
	expect(t, err, InvalidInput, "stardate")
	wide := func(form WideIntegers) string {
		var written bytes.Buffer
		options := &QueryOptions{WideIntegers: form}
		if err := client.QueryTo(background, &written, Arrow, "SELECT toInt256(-1) AS wide", options); err != nil {
			t.Fatal(err)
		}
		return written.String()
	}
	if bytes := strings.Repeat("\xff", 32); strings.Contains(wide(WideText), bytes) || !strings.Contains(wide(WideDecimal), bytes) {
		t.Error("a 256-bit integer is not what was asked for")
	}
}
