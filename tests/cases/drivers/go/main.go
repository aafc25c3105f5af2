// The shared cases, through Go: reads operations from standard input, and writes answers to standard output.
//
// A request is "operation text_length json_length\n", the text, the JSON. A reply is "ok length\n" or "error length\n", and
// as much JSON.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"runtime"
	"strings"

	"github.com/helios-stream/helios/examples/go/helios"
)

func main() {
	log.SetFlags(0)
	client, err := helios.OpenEnv()
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	// One that can end, as those of a server's requests.
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	in := bufio.NewReader(os.Stdin)
	for {
		operation, text, options, err := request(in)
		if err == io.EOF {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		outcome := "ok"
		answer, err := call(ctx, client, operation, text, options)
		if err != nil {
			outcome, answer = "error", failure(err)
		}
		body, err := json.Marshal(answer)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s %d\n%s", outcome, len(body), body)
	}
}

func request(in *bufio.Reader) (operation, text string, options []byte, err error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return
	}
	var lengths [2]int
	if _, err = fmt.Sscanf(line, "%s %d %d", &operation, &lengths[0], &lengths[1]); err != nil {
		return
	}
	body := make([]byte, lengths[0]+lengths[1])
	if _, err = io.ReadFull(in, body); err != nil {
		return
	}
	return operation, string(body[:lengths[0]]), body[lengths[0]:], nil
}

func call(ctx context.Context, client *helios.Client, operation, text string, options []byte) (any, error) {
	switch operation {
	case "databases":
		return client.Databases(ctx)
	case "engine":
		return client.Engine(ctx)
	case "query":
		parsed, err := read[helios.QueryOptions](options)
		if err != nil {
			return nil, err
		}
		return client.Query(ctx, text, parsed)
	case "query_json", "query_ndjson", "query_csv", "query_arrow", "query_parquet":
		parsed, err := read[helios.QueryOptions](options)
		if err != nil {
			return nil, err
		}
		var whole bytes.Buffer
		format := helios.Format(strings.TrimPrefix(operation, "query_"))
		err = client.QueryTo(ctx, &whole, format, text, parsed)
		return hex.EncodeToString(whole.Bytes()), err
	case "stop_query":
		parsed, err := read[helios.QueryOptions](options)
		if err != nil {
			return nil, err
		}
		parsed.OnProgress = func(helios.QueryProgress) bool { return false }
		return client.Query(ctx, text, parsed)
	case "cancel_query":
		return with(ctx, options, func(ctx context.Context, query runningQuery) (*queryCancelled, error) {
			found, err := client.CancelQuery(ctx, query.QueryID)
			return &queryCancelled{query.QueryID, found}, err
		})
	case "query_progress":
		return with(ctx, options, func(ctx context.Context, query runningQuery) (*helios.QueryProgress, error) {
			return client.QueryProgress(ctx, query.QueryID)
		})
	case "authenticate":
		credentials, err := read[helios.Credentials](options)
		if err != nil {
			return nil, err
		}
		if credentials == nil {
			return client.Authenticate(ctx)
		}
		other, err := client.WithCredentials(*credentials)
		if err != nil {
			return nil, err
		}
		defer other.Close()
		return other.Authenticate(ctx)
	case "kinesis_sample":
		parsed, err := read[helios.SampleOptions](options)
		if err != nil {
			return nil, err
		}
		if parsed == nil {
			parsed = new(helios.SampleOptions)
		}
		parsed.OnProgress = func(so helios.SampleProgress) bool { return so.Shards > 0 }
		return client.KinesisSample(ctx, text, parsed)
	case "streams":
		return client.Streams(ctx)
	case "put_events":
		return with(ctx, options, client.PutEvents)
	case "check_schema":
		return with(ctx, options, client.CheckSchema)
	case "schema_drift":
		return with(ctx, options, client.SchemaDrift)
	case "plan":
		return with(ctx, options, client.Plan)
	case "create_table":
		return with(ctx, options, client.CreateTable)
	case "consume", "stop_consuming":
		return with(ctx, options, func(ctx context.Context, consume consume) (*helios.ConsumeReport, error) {
			return client.Consume(ctx, consume.StreamName, &consume.ConsumeOptions, func(helios.Progress) bool {
				return operation == "consume"
			})
		})
	case "exit_consuming":
		return with(ctx, options, func(ctx context.Context, consume consume) (*bool, error) {
			return returns(func() {
				client.Consume(ctx, consume.StreamName, &consume.ConsumeOptions, func(helios.Progress) bool {
					runtime.Goexit()
					return true
				})
			})
		})
	case "delivery_report":
		return with(ctx, options, client.DeliveryReport)
	case "settle_range":
		return with(ctx, options, client.SettleRange)
	case "quarantine":
		return with(ctx, options, client.Quarantine)
	case "quarantine_show":
		return with(ctx, options, client.QuarantineShow)
	case "quarantine_replay":
		return with(ctx, options, client.QuarantineReplay)
	case "quarantine_discard":
		return with(ctx, options, client.QuarantineDiscard)
	case "quarantine_retention":
		return with(ctx, options, client.QuarantineRetention)
	case "sources":
		return client.Sources(ctx)
	case "pause":
		return with(ctx, options, func(ctx context.Context, named namedSource) (*helios.Source, error) {
			return client.Pause(ctx, named.Source)
		})
	case "resume":
		return with(ctx, options, func(ctx context.Context, named namedSource) (*helios.Source, error) {
			return client.Resume(ctx, named.Source)
		})
	case "remove":
		return with(ctx, options, client.Remove)
	case "repair":
		return client.Repair(ctx)
	case "doctor":
		return client.Doctor(ctx)
	default:
		log.Fatalf("there is no operation %s", operation)
		return nil, nil
	}
}

// namedSource is the argument of the methods for one source.
type namedSource struct {
	Source string `json:"source"`
}

// consume is an argument and the options of that method in one.
type consume struct {
	StreamName string `json:"streamName"`
	helios.ConsumeOptions
}

// runningQuery is the argument of the methods for queries that run.
type runningQuery struct {
	QueryID string `json:"queryId"`
}

// queryCancelled is an argument and the answer to it, as the other languages have it.
type queryCancelled struct {
	QueryID string `json:"queryId"`
	Found   bool   `json:"found"`
}

// returns says whether a call returns, or ends its goroutine.
func returns(call func()) (*bool, error) {
	returned := make(chan bool, 2)
	go func() {
		defer func() { returned <- false }()
		call()
		returned <- true
	}()
	answer := <-returned
	return &answer, nil
}

// with calls a method that takes its options as a value.
func with[O, A any](ctx context.Context, text []byte, call func(context.Context, O) (*A, error)) (*A, error) {
	options, err := read[O](text)
	if err != nil {
		return nil, err
	}
	if options == nil {
		options = new(O)
	}
	return call(ctx, *options)
}

// read makes options of their JSON, nil of none. In Go they are fields of a struct: one that is none does not compile, which
// stands here as the error of the other languages.
func read[T any](text []byte) (*T, error) {
	if len(text) == 0 {
		return nil, nil
	}
	value := new(T)
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	decoder.UseNumber()
	if err := decoder.Decode(value); err != nil {
		return nil, &helios.Error{Kind: helios.InvalidInput, Message: err.Error()}
	}
	return value, nil
}

func failure(err error) map[string]any {
	var failed *helios.Error
	if !errors.As(err, &failed) {
		log.Fatal(err)
	}
	body := map[string]any{"code": failed.Kind, "error": failed.Message, "retryable": failed.Retryable}
	if failed.ServerCode != 0 {
		body["serverCode"] = failed.ServerCode
	}
	if failed.ServerErrorName != "" {
		body["serverErrorName"] = failed.ServerErrorName
	}
	if at := failed.Position; at != nil {
		body["position"] = map[string]int{"offset": at.Offset, "line": at.Line, "column": at.Column}
	}
	if failed.AWSCode != "" {
		body["awsCode"] = failed.AWSCode
	}
	return body
}
