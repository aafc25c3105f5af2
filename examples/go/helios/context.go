package helios

/*
#include <helios.h>
*/
import "C"

import (
	"context"
	"errors"
)

// call runs a call that may wait, and ends it when the context ends. Operation is what libhelios calls it.
//
// What has succeeded stands, although the context has ended meanwhile.
func (c *Client) call(ctx context.Context, operation string, call func(*C.helios_client) error) error {
	if err := ctx.Err(); err != nil {
		return cancelledBy(err, operation)
	}
	err := c.use(func(client *C.helios_client) error {
		if ctx.Done() == nil {
			return call(client)
		}
		// One of its own: the client's other calls go on.
		var own *C.helios_client
		err := try(func(failure **C.helios_error) C.helios_status {
			return C.helios_client_clone(client, &own, failure)
		})
		if err != nil {
			return err
		}
		defer C.helios_client_free(own)
		defer cancelWith(ctx, own)()
		return call(own)
	})
	if ctx.Err() != nil && errors.Is(err, Cancelled) {
		return cancelledBy(ctx.Err(), operation)
	}
	return err
}

// cancelWith cancels all calls of a client when the context ends, until done is called.
func cancelWith(ctx context.Context, client *C.helios_client) (done func()) {
	ended, left := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(left)
		select {
		case <-ended:
		case <-ctx.Done():
			C.helios_client_cancel(client, nil)
		}
	}()
	return func() {
		close(ended)
		<-left
	}
}

func cancelledBy(cause error, operation string) error {
	return &Error{Kind: Cancelled, Message: cause.Error(), Operation: operation, cause: cause}
}
