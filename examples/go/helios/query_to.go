package helios

/*
#include <stdlib.h>
#include <helios.h>

typedef const char const_char;
typedef const uint8_t const_uint8;

int heliosGoBytes(void *, const_uint8 *, size_t);
int heliosGoQueryProgress(void *, const_char *);
*/
import "C"

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime/cgo"
	"unsafe"
)

// A Format is a form that a result can be written in.
type Format string

// The forms of results.
const (
	// JSON is the documented form of Helios: {"data": [row, …], "metadata": {…}}.
	JSON Format = "json"
	// NDJSON is one JSON object a line.
	NDJSON Format = "ndjson"
	// CSV is comma-separated values (RFC 4180), the names first.
	CSV Format = "csv"
	// Arrow is an Arrow IPC stream, which any Arrow library reads.
	Arrow Format = "arrow"
	// Parquet is a file.
	Parquet Format = "parquet"
)

// QueryTo runs one SQL statement and writes its result to w, in constant memory: a slow writer slows the query. Options may
// be nil. When the context ends, or w fails, the query is cancelled; a Write under way is waited for.
//
// What was written is a whole result only if there is no error.
func (c *Client) QueryTo(ctx context.Context, w io.Writer, format Format, sql string, options *QueryOptions) error {
	reading := new(reading)
	// In a goroutine of its own: w is the caller's.
	reading.take = func(bytes []byte) (written int, err error) {
		reading.run(func() { written, err = w.Write(bytes) })
		return written, err
	}
	return c.read(ctx, format, sql, options, reading)
}

// reading is what libhelios calls while a result is read.
type reading struct {
	// take takes the next bytes, as io.Writer does.
	take func([]byte) (int, error)
	goOn func(QueryProgress) bool
	guarded
}

// read hands the bytes of a result to reading.
func (c *Client) read(ctx context.Context, format Format, sql string, options *QueryOptions, reading *reading) error {
	if err := options.validate(); err != nil {
		return err
	}
	if options != nil {
		reading.goOn = options.OnProgress
	}
	cSQL, err := cText("sql", sql)
	if err != nil {
		return err
	}
	defer free(cSQL)
	cFormat, err := cText("format", string(format))
	if err != nil {
		return err
	}
	defer free(cFormat)
	cOptions, err := optionsJSON(options)
	if err != nil {
		return err
	}
	defer free(cOptions)
	handle := cgo.NewHandle(reading)
	defer handle.Delete()
	var onProgress C.helios_on_progress
	if reading.goOn != nil {
		onProgress = C.helios_on_progress(C.heliosGoQueryProgress)
	}
	err = c.call(ctx, "query", func(client *C.helios_client) error {
		return try(func(failure **C.helios_error) C.helios_status {
			return C.helios_client_query_bytes(client, cSQL, cOptions, cFormat, C.helios_on_bytes(C.heliosGoBytes), onProgress,
				unsafe.Pointer(&handle), failure)
		})
	})
	return reading.finish(err)
}

// heliosGoBytes is what libhelios gives a result to.
//
//export heliosGoBytes
func heliosGoBytes(user unsafe.Pointer, bytes *C.const_uint8, length C.size_t) C.int {
	reading := (*cgo.Handle)(user).Value().(*reading)
	if reading.failed() {
		// OnProgress has, and the rows that were under way still come.
		return stop(true)
	}
	_, err := reading.take(unsafe.Slice((*byte)(unsafe.Pointer(bytes)), int(length)))
	if reading.err == nil {
		reading.err = err
	}
	return stop(reading.failed())
}

// heliosGoQueryProgress is what libhelios asks whether a query shall go on.
//
//export heliosGoQueryProgress
func heliosGoQueryProgress(user unsafe.Pointer, text *C.const_char) C.int {
	reading := (*cgo.Handle)(user).Value().(*reading)
	var progress QueryProgress
	if err := json.Unmarshal([]byte(C.GoString(text)), &progress); err != nil {
		reading.err = fmt.Errorf("helios: progress of another version of libhelios (%s): %w", Version(), err)
		return stop(true)
	}
	goOn := false
	reading.run(func() { goOn = reading.goOn(progress) })
	return stop(!goOn)
}

// stop is a callback's answer.
func stop(yes bool) C.int {
	if yes {
		return 1
	}
	return 0
}
