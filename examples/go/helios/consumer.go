package helios

/*
#include <helios.h>
*/
import "C"

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
)

// A Consumer delivers a stream in the background. Any number of goroutines may use one at the same time, also while it is
// closed. It goes on when its client is closed.
type Consumer struct {
	handle  *C.helios_consumer
	end     *consumerEnd
	closed  atomic.Bool
	closing sync.Once
}

// consumerEnd is what has become of a consumer.
type consumerEnd struct {
	// Closed when the rest is known.
	known  chan struct{}
	report json.RawMessage
	err    error
}

// StartConsumer starts to deliver a stream from this process to all its tables, in the background, and returns when that has
// begun. Options may be nil. As [Client.Consume] it ends when every shard is delivered to its present end; for one that goes on
// until it is stopped, set UntilCaughtUp to Some(false).
//
// The context is for the start: when it ends later, the consumer goes on. It is to be closed.
func (c *Client) StartConsumer(ctx context.Context, stream string, options *ConsumeOptions) (*Consumer, error) {
	cOptions, err := consumeJSON(stream, options)
	if err != nil {
		return nil, err
	}
	defer free(cOptions)
	var handle *C.helios_consumer
	err = c.call(ctx, "consume", func(client *C.helios_client) error {
		return try(func(failure **C.helios_error) C.helios_status {
			return C.helios_client_start_consumer(client, cOptions, &handle, failure)
		})
	})
	if err != nil {
		return nil, err
	}
	return newConsumer(handle), nil
}

func newConsumer(handle *C.helios_consumer) *Consumer {
	consumer := &Consumer{handle: handle, end: &consumerEnd{known: make(chan struct{})}}
	go consumer.end.await(handle)
	// For those that are forgotten. Nobody knows when it runs, if ever; and it waits.
	runtime.SetFinalizer(consumer, func(consumer *Consumer) { go consumer.Close() })
	return consumer
}

// Progress is what the consumer has done so far, at most a second ago, also when it has ended.
func (c *Consumer) Progress() (*Progress, error) {
	progress := new(Progress)
	err := c.use(func(consumer *C.helios_consumer) error {
		return answer(progress, func(text **C.char, failure **C.helios_error) C.helios_status {
			return C.helios_consumer_progress(consumer, text, failure)
		})
	})
	if err != nil {
		return nil, err
	}
	return progress, nil
}

// Stop asks the consumer to end in order, which it does within a second or with the batch under way. It does not wait for that:
// see [Consumer.Wait]. Stopping again, and one that has ended, is fine.
func (c *Consumer) Stop() error {
	return c.use(func(consumer *C.helios_consumer) error {
		return try(func(failure **C.helios_error) C.helios_status {
			return C.helios_consumer_stop(consumer, failure)
		})
	})
}

// Wait waits for the end of the consumer, and gives its report, or why it failed: an error of the kind [Cancelled] if it was
// closed meanwhile. When the context ends, only the waiting ends. It can be asked again.
func (c *Consumer) Wait(ctx context.Context) (*ConsumeReport, error) {
	defer runtime.KeepAlive(c)
	if c.closed.Load() {
		return nil, ErrClosed
	}
	select {
	case <-c.end.known:
		return c.end.read()
	default:
	}
	select {
	case <-c.end.known:
		return c.end.read()
	case <-ctx.Done():
		return nil, cancelledBy(ctx.Err(), "consume")
	}
}

// Close ends the consumer. One that still runs is broken off, as by the end of the process: nothing is lost or doubled by that.
// To end it in order, stop it and wait first. Calls after it answer [ErrClosed]. Closing twice is fine.
func (c *Consumer) Close() error {
	c.closing.Do(func() {
		c.closed.Store(true)
		C.helios_consumer_free(c.handle)
		<-c.end.known
		runtime.SetFinalizer(c, nil)
	})
	return nil
}

// use runs a call that does not wait. It needs no lock: libhelios knows what was freed.
func (c *Consumer) use(call func(*C.helios_consumer) error) error {
	defer runtime.KeepAlive(c)
	if c.closed.Load() {
		return ErrClosed
	}
	return closedIfFreed(call(c.handle))
}

// closedIfFreed is [ErrClosed] for a consumer that was closed between the look and the call.
func closedIfFreed(err error) error {
	if errors.Is(err, InvalidHandle) {
		return ErrClosed
	}
	return err
}

// await waits for the end. It has the handle, not the consumer, which else would never be forgotten.
func (e *consumerEnd) await(handle *C.helios_consumer) {
	defer close(e.known)
	e.err = closedIfFreed(answer(&e.report, func(text **C.char, failure **C.helios_error) C.helios_status {
		return C.helios_consumer_wait(handle, -1, text, failure)
	}))
}

// read is the end, once it is known.
func (e *consumerEnd) read() (*ConsumeReport, error) {
	if e.err != nil {
		return nil, e.err
	}
	report := new(ConsumeReport)
	if err := read(report, e.report); err != nil {
		return nil, err
	}
	return report, nil
}
