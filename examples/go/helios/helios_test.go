package helios

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
)

var background = context.Background()

// openEngine opens the embedded engine in a folder of its own. An engine that is missing fails the test.
func openEngine(t *testing.T) *Client {
	t.Helper()
	client, err := Open(Config{DataPath: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// unreachable is a client of a server that is not there.
func unreachable(t *testing.T) *Client {
	t.Helper()
	return clientOf(t, "http://127.0.0.1:1")
}

// clientOf is a client that finds ClickHouse and AWS at this address.
func clientOf(t *testing.T, url string) *Client {
	t.Helper()
	client, err := Open(Config{
		ClickHouseURL:      url,
		AWSEndpointURL:     url,
		AWSRegion:          "eu-west-1",
		AWSAccessKeyID:     "AKIAIOSFODNN7EXAMPLE",
		AWSSecretAccessKey: "secret",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func mustQuery(t *testing.T, client *Client, sql string, options *QueryOptions) *QueryResult {
	t.Helper()
	result, err := client.Query(background, sql, options)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return result
}

// expect fails unless err is an *Error of this kind that says text.
func expect(t *testing.T, err error, kind Kind, text string) *Error {
	t.Helper()
	var failure *Error
	if !errors.As(err, &failure) || !errors.Is(err, kind) || !strings.Contains(failure.Message, text) {
		t.Fatalf("got %v, not %s with %q", err, string(kind), text)
	}
	return failure
}

func TestQuery(t *testing.T) {
	client := openEngine(t)
	mustQuery(t, client, "CREATE TABLE events (id UInt64, name String) ORDER BY id", nil)
	mustQuery(t, client, "INSERT INTO events VALUES (18446744073709551615, 'it''s'), (1, 'ça')", nil)

	result := mustQuery(t, client, "SELECT * FROM events WHERE name != {not:String} ORDER BY id",
		&QueryOptions{Parameters: map[string]any{"not": "it's not"}})
	want := QueryMetadata{
		Query:       "SELECT * FROM events WHERE name != {not:String} ORDER BY id",
		RowCount:    2,
		ColumnNames: []string{"id", "name"},
		ColumnTypes: []string{"UInt64", "String"},
	}
	if !reflect.DeepEqual(result.Metadata, want) {
		t.Errorf("got %+v", result.Metadata)
	}
	type event struct {
		ID   uint64
		Name string
	}
	rows, err := Rows[event](result)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(rows, []event{{1, "ça"}, {18446744073709551615, "it's"}}) {
		t.Errorf("got %v", rows)
	}
	if _, err := Rows[struct{ ID bool }](result); err == nil || !strings.Contains(err.Error(), "row 0") {
		t.Errorf("got %v", err)
	}

	databases, err := client.Databases(background)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(databases["default"], []string{"events"}) {
		t.Errorf("got %v", databases)
	}
}

func TestQueryOptions(t *testing.T) {
	client := openEngine(t)
	result := mustQuery(t, client, "SELECT toUInt64(1) AS x", &QueryOptions{Quote64BitIntegers: true})
	if string(result.Data[0]) != `{"x":"1"}` {
		t.Errorf("got %s", result.Data[0])
	}
	_, err := client.Query(background, "CREATE TABLE t (x Int8) ORDER BY x", &QueryOptions{ReadOnly: true})
	expect(t, err, PermissionDenied, "CREATE is not allowed in read-only mode")
	_, err = client.Query(background, "SELECT number FROM numbers(1000)", &QueryOptions{MaxResultRows: Some(10)})
	expect(t, err, LimitExceeded, "")
	_, err = client.Query(background, "SELECT sum(sipHash64(number)) FROM numbers(100000000000)", &QueryOptions{MaxExecutionSeconds: Some(0.1)})
	expect(t, err, Timeout, "")
}

func TestErrors(t *testing.T) {
	client := openEngine(t)
	_, err := client.Query(background, "SELECT * FROM nowhere", nil)
	failure := expect(t, err, NotFound, "nowhere")
	if failure.ServerCode != 60 || failure.AWSCode != "" || failure.Operation != "query" || failure.Retryable {
		t.Errorf("got %+v", failure)
	}
	if errors.Is(err, InvalidQuery) || !strings.HasPrefix(err.Error(), "helios: not_found at query: ") {
		t.Errorf("got %v", err)
	}
}

func TestBadInput(t *testing.T) {
	client := unreachable(t)
	_, err := client.Query(background, "SELECT '\x00'", nil)
	expect(t, err, InvalidInput, "sql holds a NUL byte, at offset 8")
	_, err = client.Query(background, "SELECT '\xff'", nil)
	expect(t, err, InvalidUTF8, "offset 8")
	_, err = client.Query(background, "SELECT {x:String}", &QueryOptions{Parameters: map[string]any{"x": "\xff"}})
	expect(t, err, InvalidUTF8, `"x"`)
	_, err = client.Query(background, "SELECT {x:String}", &QueryOptions{Parameters: map[string]any{"x": map[string]int{"a": 1}}})
	expect(t, err, InvalidInput, "`x`")
	_, err = client.Query(background, "SELECT {x:String}", &QueryOptions{Parameters: map[string]any{"x": func() {}}})
	expect(t, err, InvalidInput, "cannot be written as JSON")
	_, err = client.Query(background, "SELECT 1", &QueryOptions{MaxExecutionSeconds: Some(-1.0)})
	expect(t, err, InvalidInput, "maxExecutionSeconds")
	_, err = client.Query(background, "SELECT 1", &QueryOptions{MaxResultRows: Some(0)})
	expect(t, err, InvalidInput, "maxResultRows")
	_, err = client.Query(background, "", nil)
	expect(t, err, InvalidQuery, "empty")
	_, err = client.KinesisSample(background, "a\x00b", nil)
	expect(t, err, InvalidInput, "stream holds a NUL byte")
	_, err = client.KinesisSample(background, "clicks", &SampleOptions{Position: "yesterday"})
	expect(t, err, InvalidInput, "yesterday")
	_, err = client.CreateTable(background, CreateTable{StreamName: "clicks", TableName: "clicks"})
	expect(t, err, InvalidInput, "column")
	_, err = client.Consume(background, "clicks", &ConsumeOptions{TimeLimitSeconds: Some(0.0)}, nil)
	expect(t, err, InvalidInput, "timeLimitSeconds")
	_, err = client.QuarantineShow(background, ShowRejects{Rejects: Rejects{TableName: "clicks"}, Limit: Some(1001)})
	expect(t, err, InvalidInput, "limit")
	_, err = Open(Config{DataPath: "a\x00b"})
	expect(t, err, InvalidInput, "data_path holds a NUL byte")
	_, err = Open(Config{DataPath: "data", ClickHouseURL: "http://127.0.0.1:1"})
	expect(t, err, ConfigInvalid, "both set")
	_, err = Open(Config{ClickHouseURL: "http://127.0.0.1:1", ClickHouseCompression: "gzip"})
	expect(t, err, ConfigInvalid, "can be `lz4`, `zstd` or `none`")
	_, err = client.Query(background, "SELECT 1", nil)
	expect(t, err, Unavailable, "")
}

func TestNoKeysAreNotTheMachinesOwn(t *testing.T) {
	with, err := unreachable(t).WithCredentials(Keys("", ""))
	if err == nil {
		defer with.Close()
		_, err = with.Authenticate(background)
	}
	expect(t, err, InvalidInput, "access_key")
}

func TestEverySettingHasItsOwnKey(t *testing.T) {
	var config Config
	fields := reflect.ValueOf(&config).Elem()
	for i := 0; i < fields.NumField(); i++ {
		fields.Field(i).SetString(fields.Type().Field(i).Name)
	}
	seen := map[string]bool{}
	for _, value := range config.settings() {
		seen[value] = true
	}
	if len(seen) != fields.NumField() {
		t.Errorf("%d fields, %d settings", fields.NumField(), len(seen))
	}
	// All of them are known to the library: what it complains of is that they contradict each other.
	_, err := Open(config)
	expect(t, err, ConfigInvalid, "choose one")
}

func TestSecretsAreNotPrinted(t *testing.T) {
	config := Config{ClickHousePassword: "canary", AWSSecretAccessKey: "canary", AWSSessionToken: "canary", AWSExternalID: "canary"}
	canary := Secret("canary")
	credentials := Credentials{SecretKey: &canary, SessionToken: &canary, ExternalID: &canary}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		text := fmt.Sprintf(format+format+format, config, credentials, canary)
		if strings.Contains(text, "canary") {
			t.Errorf("%s: %s", format, text)
		}
	}
	if text, _ := json.Marshal(credentials); !strings.Contains(string(text), "canary") {
		t.Errorf("the library must get them: %s", text)
	}
}

func TestUseAfterClose(t *testing.T) {
	client := openEngine(t)
	other, err := client.WithCredentials(Keys("a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
	if _, err := client.Query(background, "SELECT 1", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
	// The other one is as good as before.
	mustQuery(t, other, "SELECT 1", nil)
	other.Close()
}

func TestAnotherPathAfterClose(t *testing.T) {
	first := openEngine(t)
	mustQuery(t, first, "SELECT 1", nil)
	_, err := Open(Config{DataPath: t.TempDir()})
	expect(t, err, EngineUnavailable, "already runs an engine")
	first.Close()
	mustQuery(t, openEngine(t), "SELECT 1", nil)
}

func TestAReportThatIsNotBalancedFailsItsCheck(t *testing.T) {
	if err := (&DeliveryReport{Balanced: true}).Check(); err != nil {
		t.Errorf("got %v", err)
	}
	expect(t, (&DeliveryReport{Errors: []string{"the shard a is in doubt"}}).Check(), Conflict, "in doubt")
}

func TestRowsAreCountedWhereTheyWereAskedFor(t *testing.T) {
	for options, text := range map[ReportOptions]string{
		{TableName: "clicks"}:                  `{"tableName":"clicks"}`,
		{TableName: "clicks", CountRows: true}: `{"tableName":"clicks","countRows":true}`,
	} {
		if made, _ := json.Marshal(options); string(made) != text {
			t.Errorf("got %s instead of %s", made, text)
		}
	}
	for text, counted := range map[string]*RowCount{
		`{"counted":null}`: nil,
		`{"counted":{"rows":3,"expected":2,"underWay":1}}`: {Rows: 3, Expected: 2, UnderWay: 1},
	} {
		var report DeliveryReport
		if err := json.Unmarshal([]byte(text), &report); err != nil || !reflect.DeepEqual(report.Counted, counted) {
			t.Errorf("%s: %+v, %v", text, report.Counted, err)
		}
	}
}

func TestGoroutinesShareAClient(t *testing.T) {
	client := openEngine(t)
	var group sync.WaitGroup
	for i := 0; i < 16; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			for j := 0; j < 20; j++ {
				ctx, cancel := context.WithCancel(background)
				result, err := client.Query(ctx, fmt.Sprintf("SELECT %d AS x", i*100+j), nil)
				if err != nil || string(result.Data[0]) != fmt.Sprintf(`{"x":%d}`, i*100+j) {
					t.Errorf("%v, %v", result, err)
				}
				if _, err := client.Query(background, "SELECT", nil); !errors.Is(err, InvalidQuery) {
					t.Errorf("got %v", err)
				}
				cancel()
			}
			ctx, cancel := context.WithCancel(background)
			defer cancel()
			_, err := client.Query(ctx, slow, &QueryOptions{OnProgress: func(QueryProgress) bool {
				cancel()
				return true
			}})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		}(i)
	}
	group.Wait()
}

func TestCloseUnderUse(t *testing.T) {
	client := openEngine(t)
	var group sync.WaitGroup
	started := make(chan struct{}, 8)
	for i := 0; i < cap(started); i++ {
		group.Add(1)
		ctx := background
		if i%2 == 0 {
			var cancel func()
			ctx, cancel = context.WithCancel(background)
			defer cancel()
		}
		go func() {
			defer group.Done()
			for first := true; ; first = false {
				_, err := client.Query(ctx, "SELECT 1", nil)
				if errors.Is(err, ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				if first {
					started <- struct{}{}
				}
			}
		}()
	}
	for i := 0; i < cap(started); i++ {
		<-started
	}
	client.Close()
	group.Wait()
}

func TestACallWhileCloseWaits(t *testing.T) {
	client := openEngine(t)
	ctx, cancel := context.WithCancel(background)
	outcome, closed := make(chan error), make(chan error)
	go func() {
		_, err := client.Query(ctx, slow, &QueryOptions{QueryID: "waited-for"})
		outcome <- err
	}()
	untilRunning(t, client, "waited-for")
	go func() { closed <- client.Close() }()
	// It is refused, and does not wait for the one that Close waits for.
	for {
		if _, err := client.Databases(background); errors.Is(err, ErrClosed) {
			break
		}
	}
	select {
	case <-closed:
		t.Error("Close did not wait")
	default:
	}
	cancel()
	expect(t, <-outcome, Cancelled, "")
	<-closed
}

// openAgain opens the engine elsewhere, once whoever has it is forgotten. The test's own time limit ends it if nobody is.
func openAgain(t *testing.T) *Client {
	t.Helper()
	for {
		runtime.GC()
		client, err := Open(Config{DataPath: t.TempDir()})
		if err == nil {
			t.Cleanup(func() { client.Close() })
			return client
		}
		expect(t, err, EngineUnavailable, "already runs an engine")
	}
}

func TestAForgottenClientIsClosed(t *testing.T) {
	func() {
		client, err := Open(Config{DataPath: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		mustQuery(t, client, "SELECT 1", nil)
	}()
	mustQuery(t, openAgain(t), "SELECT 1", nil)
}

func TestWhetherToGoOn(t *testing.T) {
	for name, one := range map[string]struct {
		goOn func(Progress) bool
		want guarded
	}{
		"yes":    {func(progress Progress) bool { return progress.Records == 7 }, guarded{}},
		"no":     {func(Progress) bool { return false }, guarded{}},
		"panics": {func(Progress) bool { panic("dropped") }, guarded{panicked: "dropped"}},
		"exits":  {func(Progress) bool { runtime.Goexit(); return true }, guarded{exited: true}},
	} {
		asked := asked[Progress]{goOn: one.goOn}
		if goOn := asked.ask(Progress{Records: 7}); goOn != (name == "yes") {
			t.Errorf("%s: got %v", name, goOn)
		}
		if asked.panicked != one.want.panicked || asked.exited != one.want.exited {
			t.Errorf("%s: got %+v", name, asked)
		}
	}
}
