// Package helios turns Amazon Kinesis streams into ClickHouse tables, and asks them questions in SQL: with an engine in this
// process, or with a ClickHouse server.
//
//	client, err := helios.Open(helios.Config{DataPath: "data"})
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	result, err := client.Query("SELECT 6 * 7 AS answer", nil)
//
// It is a thin layer over libhelios, whose header says what to rely on. The calls are those of the HTTP interface, and so
// are the names of what they answer.
//
// Errors are of the type [*Error]; its [Kind] is what a program decides on:
//
//	if errors.Is(err, helios.NotFound) { … }
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

// ErrClosed is what a closed client answers.
var ErrClosed = errors.New("helios: the client is closed")

// Some is a value that is given, for options that may be nil: Some(10).
func Some[T any](value T) *T { return &value }

// Version is the version of the library.
func Version() string {
	return C.GoString(C.helios_version())
}

// A Client is all of Helios. Any number of goroutines may use one at the same time, also while it is closed.
type Client struct {
	// Held for reading by each call, so that Close waits for those under way.
	mutex  sync.RWMutex
	handle *C.helios_client
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

// Close ends the client. It waits for calls under way; calls after it answer [ErrClosed]. Closing twice is fine.
func (c *Client) Close() error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	C.helios_client_free(c.handle)
	c.handle = nil
	runtime.SetFinalizer(c, nil)
	return nil
}

// use runs a call while the client cannot be closed.
func (c *Client) use(call func(*C.helios_client) error) error {
	c.mutex.RLock()
	defer c.mutex.RUnlock()
	if c.handle == nil {
		return ErrClosed
	}
	return call(c.handle)
}
