package helios

/*
#include "operation.h"
*/
import "C"

import "context"

// ask runs an operation that takes its options as one JSON object.
func ask[T any](ctx context.Context, c *Client, name string, run C.operation, options any) (*T, error) {
	cOptions, err := cJSON("options", options)
	if err != nil {
		return nil, err
	}
	defer free(cOptions)
	result := new(T)
	err = c.answer(ctx, name, result, func(client *C.helios_client, text **C.char, failure **C.helios_error) C.helios_status {
		return C.run(run, client, cOptions, text, failure)
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// tell runs an operation that takes no options.
func tell[T any](ctx context.Context, c *Client, name string, question C.question) (*T, error) {
	result := new(T)
	err := c.answer(ctx, name, result, func(client *C.helios_client, text **C.char, failure **C.helios_error) C.helios_status {
		return C.put(question, client, text, failure)
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}
