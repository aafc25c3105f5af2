package helios

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// blackHole is a server that takes every connection and answers nothing.
type blackHole struct {
	url string
	// Somebody has connected so often.
	connections atomic.Int64
	// Somebody has asked it something.
	asked chan struct{}
	// Ends it, and all its goroutines.
	close func()
}

func newBlackHole(t *testing.T) *blackHole {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	hole := &blackHole{url: "http://" + listener.Addr().String(), asked: make(chan struct{})}
	over := make(chan struct{})
	var once sync.Once
	hole.close = func() {
		once.Do(func() {
			close(over)
			listener.Close()
		})
	}
	t.Cleanup(hole.close)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			hole.connections.Add(1)
			go func() {
				defer connection.Close()
				if _, err := connection.Read(make([]byte, 1)); err != nil {
					return
				}
				select {
				case hole.asked <- struct{}{}:
				case <-over:
				}
				<-over
			}()
		}
	}()
	return hole
}

// client is a client that waits for the black hole, whatever it is asked.
func (h *blackHole) client(t *testing.T) *Client {
	t.Helper()
	return clientOf(t, h.url)
}

var clicks = CreateTable{StreamName: "clicks", TableName: "clicks", Schema: []Column{{Name: "a", Type: "Int8"}}}

// calls has a call of each method that takes a context, which gets as far as to ask somebody.
var calls = map[string]func(context.Context, *Client) error{
	"Authenticate": func(ctx context.Context, c *Client) error { return second(c.Authenticate(ctx)) },
	"CancelQuery":  func(ctx context.Context, c *Client) error { return second(c.CancelQuery(ctx, "report-7")) },
	"CheckSchema": func(ctx context.Context, c *Client) error {
		return second(c.CheckSchema(ctx, CheckSchema{StreamName: "clicks"}))
	},
	"Consume":     func(ctx context.Context, c *Client) error { return second(c.Consume(ctx, "clicks", nil, nil)) },
	"CreateTable": func(ctx context.Context, c *Client) error { return second(c.CreateTable(ctx, clicks)) },
	"Databases":   func(ctx context.Context, c *Client) error { return second(c.Databases(ctx)) },
	"DeliveryReport": func(ctx context.Context, c *Client) error {
		return second(c.DeliveryReport(ctx, ReportOptions{TableName: "clicks"}))
	},
	"Doctor":        func(ctx context.Context, c *Client) error { return second(c.Doctor(ctx)) },
	"Engine":        func(ctx context.Context, c *Client) error { return second(c.Engine(ctx)) },
	"KinesisSample": func(ctx context.Context, c *Client) error { return second(c.KinesisSample(ctx, "clicks", nil)) },
	"Pause":         func(ctx context.Context, c *Client) error { return second(c.Pause(ctx, "clicks")) },
	"Plan":          func(ctx context.Context, c *Client) error { return second(c.Plan(ctx, PlanTable{CreateTable: clicks})) },
	"PutEvents": func(ctx context.Context, c *Client) error {
		return second(c.PutEvents(ctx, PutEvents{StreamName: "clicks", Events: []any{map[string]int{"a": 1}}}))
	},
	"Quarantine": func(ctx context.Context, c *Client) error {
		return second(c.Quarantine(ctx, Rejects{TableName: "clicks"}))
	},
	"QuarantineDiscard": func(ctx context.Context, c *Client) error {
		return second(c.QuarantineDiscard(ctx, Rejects{TableName: "clicks"}))
	},
	"QuarantineReplay": func(ctx context.Context, c *Client) error {
		return second(c.QuarantineReplay(ctx, ReplayRejects{Rejects: Rejects{TableName: "clicks"}}))
	},
	"QuarantineRetention": func(ctx context.Context, c *Client) error {
		return second(c.QuarantineRetention(ctx, Retention{TableName: "clicks", Days: Some(7)}))
	},
	"QuarantineShow": func(ctx context.Context, c *Client) error {
		return second(c.QuarantineShow(ctx, ShowRejects{Rejects: Rejects{TableName: "clicks"}}))
	},
	"Query":         func(ctx context.Context, c *Client) error { return second(c.Query(ctx, "SELECT 1", nil)) },
	"QueryProgress": func(ctx context.Context, c *Client) error { return second(c.QueryProgress(ctx, "report-7")) },
	"QueryReader": func(ctx context.Context, c *Client) error {
		reader := c.QueryReader(ctx, CSV, "SELECT 1", nil)
		defer reader.Close()
		return second(io.Copy(io.Discard, reader))
	},
	"QueryRows": func(ctx context.Context, c *Client) error {
		rows := c.QueryRows(ctx, "SELECT 1", nil)
		defer rows.Close()
		for rows.Next() {
		}
		return rows.Err()
	},
	"QueryTo": func(ctx context.Context, c *Client) error { return c.QueryTo(ctx, io.Discard, CSV, "SELECT 1", nil) },
	"Remove": func(ctx context.Context, c *Client) error {
		return second(c.Remove(ctx, RemoveSource{Source: "clicks"}))
	},
	"Repair": func(ctx context.Context, c *Client) error { return second(c.Repair(ctx)) },
	"Resume": func(ctx context.Context, c *Client) error { return second(c.Resume(ctx, "clicks")) },
	"SchemaDrift": func(ctx context.Context, c *Client) error {
		return second(c.SchemaDrift(ctx, DriftOptions{TableName: "clicks"}))
	},
	"SettleRange": func(ctx context.Context, c *Client) error {
		return second(c.SettleRange(ctx, SettleRange{TableName: "clicks", Shard: "shardId-000000000000", Outcome: Absent}))
	},
	"Sources":       func(ctx context.Context, c *Client) error { return second(c.Sources(ctx)) },
	"StartConsumer": func(ctx context.Context, c *Client) error { return second(c.StartConsumer(ctx, "clicks", nil)) },
	"Streams":       func(ctx context.Context, c *Client) error { return second(c.Streams(ctx)) },
}

// second is the error of a call.
func second[T any](_ T, err error) error { return err }

// operationOf is what libhelios calls a method.
func operationOf(method string) string {
	switch method {
	case "StartConsumer":
		return "consume"
	case "QueryReader", "QueryRows", "QueryTo":
		return "query"
	}
	return strings.ToLower(regexp.MustCompile("(.)([A-Z])").ReplaceAllString(method, "${1}_$2"))
}

// untilAsFew waits until there are no more goroutines than there were. The test's own time limit ends it if one stays.
func untilAsFew(before int) {
	for runtime.NumGoroutine() > before {
		runtime.Gosched()
	}
}

func TestEveryMethodThatMayWaitTakesAContext(t *testing.T) {
	client := reflect.TypeOf(new(Client))
	for i := 0; i < client.NumMethod(); i++ {
		method := client.Method(i)
		if method.Name == "Close" || method.Name == "WithCredentials" {
			continue
		}
		// The first is the client.
		if method.Type.NumIn() < 2 || method.Type.In(1) != reflect.TypeOf((*context.Context)(nil)).Elem() {
			t.Errorf("%s takes no context, or not first", method.Name)
		}
		if calls[method.Name] == nil {
			t.Errorf("no test calls %s", method.Name)
		}
	}
}

func TestAContextEndsEachCall(t *testing.T) {
	for name, call := range calls {
		name, call := name, call
		t.Run(name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			hole := newBlackHole(t)
			client := hole.client(t)
			ctx, cancel := context.WithCancel(background)
			defer cancel()
			outcome := make(chan error)
			go func() { outcome <- call(ctx, client) }()
			select {
			case <-hole.asked:
			case err := <-outcome:
				t.Fatalf("it has ended by itself: %v", err)
			}
			cancel()
			err := <-outcome
			failure := expect(t, err, Cancelled, "context canceled")
			if !errors.Is(err, context.Canceled) || failure.Operation != operationOf(name) {
				t.Errorf("got %v", err)
			}
			hole.close()
			untilAsFew(before)
		})
	}
}

func TestADeadlineEndsACall(t *testing.T) {
	client := newBlackHole(t).client(t)
	for _, name := range []string{"Sources", "Query", "QueryRows"} {
		ctx, cancel := context.WithTimeout(background, 20*time.Millisecond)
		err := calls[name](ctx, client)
		expect(t, err, Cancelled, "context deadline exceeded")
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", name, err)
		}
		cancel()
	}
}

func TestAContextThatHasEndedMakesNoCall(t *testing.T) {
	hole := newBlackHole(t)
	client := hole.client(t)
	ctx, cancel := context.WithCancel(background)
	cancel()
	for name, call := range calls {
		if err := call(ctx, client); !errors.Is(err, Cancelled) || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if n := hole.connections.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
}

func TestEachCallOfAClosedClient(t *testing.T) {
	client := unreachable(t)
	client.Close()
	client.Close()
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	for name, call := range calls {
		for _, ctx := range []context.Context{background, ctx} {
			if err := call(ctx, client); !errors.Is(err, ErrClosed) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if _, err := client.WithCredentials(Credentials{}); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestOneContextEndsNoOtherCall(t *testing.T) {
	client := openEngine(t)
	first, cancel := context.WithCancel(background)
	second, cancelSecond := context.WithCancel(background)
	outcomes := map[context.Context]chan error{first: make(chan error), second: make(chan error)}
	for ctx, outcome := range outcomes {
		ctx, outcome := ctx, outcome
		go func() {
			_, err := client.Query(ctx, slow, &QueryOptions{QueryID: fmt.Sprint(ctx == first)})
			outcome <- err
		}()
	}
	untilRunning(t, client, "true")
	untilRunning(t, client, "false")
	cancel()
	expect(t, <-outcomes[first], Cancelled, "")
	if progress, err := client.QueryProgress(background, "false"); progress == nil || err != nil {
		t.Errorf("got %v, %v", progress, err)
	}
	cancelSecond()
	expect(t, <-outcomes[second], Cancelled, "")
}
