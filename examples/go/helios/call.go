package helios

/*
#include <stdlib.h>
#include <string.h>
#include <helios.h>
*/
import "C"

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unsafe"
)

// answer runs a call that answers with JSON, as [Client.call] does, and reads that into result.
func (c *Client) answer(
	ctx context.Context,
	operation string,
	result any,
	call func(client *C.helios_client, text **C.char, failure **C.helios_error) C.helios_status,
) error {
	return c.call(ctx, operation, func(client *C.helios_client) error {
		return answer(result, func(text **C.char, failure **C.helios_error) C.helios_status {
			return call(client, text, failure)
		})
	})
}

// answer runs a call that answers with JSON, and reads that into result.
func answer(result any, call func(text **C.char, failure **C.helios_error) C.helios_status) error {
	var text *C.char
	err := try(func(failure **C.helios_error) C.helios_status { return call(&text, failure) })
	if err != nil {
		return err
	}
	defer C.helios_string_free(text)
	// Read where it stands: what is kept of it is copied.
	return read(result, unsafe.Slice((*byte)(unsafe.Pointer(text)), C.strlen(text)))
}

// read reads an answer into result.
func read(result any, answer []byte) error {
	if err := json.Unmarshal(answer, result); err != nil {
		return fmt.Errorf("helios: an answer of another version of libhelios (%s): %w", Version(), err)
	}
	return nil
}

// try runs a call and takes its error, if it fails.
func try(call func(failure **C.helios_error) C.helios_status) error {
	var failure *C.helios_error
	if call(&failure) == C.HELIOS_STATUS_OK {
		return nil
	}
	defer C.helios_error_free(failure)
	return &Error{
		Kind:            Kind(C.GoString(C.helios_error_kind(failure))),
		Message:         C.GoString(C.helios_error_message(failure)),
		Operation:       C.GoString(C.helios_error_operation(failure)),
		Retryable:       bool(C.helios_error_is_retryable(failure)),
		ServerCode:      uint32(C.helios_error_server_code(failure)),
		ServerErrorName: C.GoString(C.helios_error_server_error_name(failure)),
		Position:        position(failure),
		AWSCode:         C.GoString(C.helios_error_aws_code(failure)),
	}
}

func position(failure *C.helios_error) *SQLPosition {
	var at C.helios_sql_position
	if !C.helios_error_position(failure, &at) {
		return nil
	}
	return &SQLPosition{Offset: int(at.offset), Line: int(at.line), Column: int(at.column)}
}

// cText is a text for C, to be freed. One with a NUL in it would be cut there.
func cText(argument, text string) (*C.char, error) {
	if at := strings.IndexByte(text, 0); at >= 0 {
		return nil, invalidInput("%s holds a NUL byte, at offset %d", argument, at)
	}
	return C.CString(text), nil
}

// cJSON is a value as JSON for C, to be freed.
func cJSON(argument string, value any) (*C.char, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, invalidInput("%s cannot be written as JSON: %v", argument, err)
	}
	return cText(argument, string(text))
}

// optionsJSON is [cJSON], and NULL for no options.
func optionsJSON[T any](options *T) (*C.char, error) {
	if options == nil {
		return nil, nil
	}
	return cJSON("options", options)
}

func free(text *C.char) {
	C.free(unsafe.Pointer(text))
}
