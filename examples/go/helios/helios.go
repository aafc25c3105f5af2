// Package helios turns Amazon Kinesis streams into ClickHouse tables, and asks them questions in SQL: with an engine in this
// process, or with a ClickHouse server.
//
//	client, err := helios.Open(helios.Config{DataPath: "data"})
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	result, err := client.Query(ctx, "SELECT 6 * 7 AS answer", nil)
//
// It is a thin layer over libhelios, whose header says what to rely on. The calls are those of the HTTP interface, and so
// are the names of what they answer.
//
// Errors are of the type [*Error]; its [Kind] is what a program decides on:
//
//	if errors.Is(err, helios.NotFound) { … }
//
// Calls that may wait take a context, and are broken off when it ends, whatever they do: an error of the kind [Cancelled], for
// which errors.Is(err, context.Canceled), or context.DeadlineExceeded, holds. A query is ended in ClickHouse, too. What makes
// or changes something is broken off as by the end of the process: nothing is lost or doubled, and [Client.Repair] finishes or
// undoes the rest. A call that has succeeded by then has succeeded.
package helios

/*
#cgo LDFLAGS: -lhelios
#include <stdlib.h>
#include <helios.h>
*/
import "C"

import (
	"errors"
	"runtime"
	"sync"
)

// ErrClosed is what a closed client answers, and a closed consumer.
var ErrClosed = errors.New("helios: already closed")

// Some is a value that is given, for options that may be nil: Some(10).
func Some[T any](value T) *T { return &value }

// Version is the version of the library.
func Version() string {
	return C.GoString(C.helios_version())
}

// A Client is all of Helios. Any number of goroutines may use one at the same time, also while it is closed.
type Client struct {
	mutex sync.Mutex
	// Nil when it is closed. Not held locked during calls: one that comes while Close waits must not wait, too.
	handle *C.helios_client
	// Those under way.
	calls   sync.WaitGroup
	closing sync.Once
}

// Open makes a client. It opens the embedded engine, which takes up to half a second, unless ClickHouseURL is set; it
// connects to nothing else yet.
//
// A process has one engine at a time: clients of the same DataPath share it, and another path can be opened when they all
// are closed.
func Open(config Config) (*Client, error) {
	return open(config.fill)
}

// OpenEnv makes a client with the settings of the environment: HELIOS_CLICKHOUSE_URL, HELIOS_DATA_PATH and so on.
func OpenEnv() (*Client, error) {
	return open(func(config *C.helios_config) error {
		return try(func(failure **C.helios_error) C.helios_status {
			return C.helios_config_read_env(config, failure)
		})
	})
}

func open(fill func(*C.helios_config) error) (*Client, error) {
	config := C.helios_config_new()
	defer C.helios_config_free(config)
	if err := fill(config); err != nil {
		return nil, err
	}
	var handle *C.helios_client
	err := try(func(failure **C.helios_error) C.helios_status {
		return C.helios_client_new(config, &handle, failure)
	})
	return newClient(handle, err)
}

func newClient(handle *C.helios_client, err error) (*Client, error) {
	if err != nil {
		return nil, err
	}
	client := &Client{handle: handle}
	// For those that are forgotten. Nobody knows when it runs, if ever.
	runtime.SetFinalizer(client, (*Client).Close)
	return client, nil
}

// WithCredentials makes another client that speaks to AWS as somebody else and shares all connections. Both are to be
// closed, in any order.
func (c *Client) WithCredentials(credentials Credentials) (*Client, error) {
	json, err := cJSON("credentials", credentials)
	if err != nil {
		return nil, err
	}
	defer free(json)
	var handle *C.helios_client
	err = c.use(func(client *C.helios_client) error {
		return try(func(failure **C.helios_error) C.helios_status {
			return C.helios_client_with_credentials(client, json, &handle, failure)
		})
	})
	return newClient(handle, err)
}

// Close ends the client. It waits for calls under way, but not for readers, rows and consumers, which go on; calls after it
// answer [ErrClosed]. Closing twice is fine. With the last client, reader and consumer of an embedded engine, that is closed.
func (c *Client) Close() error {
	c.closing.Do(func() {
		c.mutex.Lock()
		handle := c.handle
		c.handle = nil
		c.mutex.Unlock()
		c.calls.Wait()
		C.helios_client_free(handle)
		runtime.SetFinalizer(c, nil)
	})
	return nil
}

// use runs a call while the client cannot be closed.
func (c *Client) use(call func(*C.helios_client) error) error {
	handle, err := c.begin()
	if err != nil {
		return err
	}
	defer c.calls.Done()
	return call(handle)
}

// begin has Close wait for one call more.
func (c *Client) begin() (*C.helios_client, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.handle == nil {
		return nil, ErrClosed
	}
	c.calls.Add(1)
	return c.handle, nil
}

// clone is the same client once more, for what goes on when this one is closed.
func (c *Client) clone() (*Client, error) {
	var handle *C.helios_client
	err := c.use(func(client *C.helios_client) error {
		return try(func(failure **C.helios_error) C.helios_status {
			return C.helios_client_clone(client, &handle, failure)
		})
	})
	return newClient(handle, err)
}
