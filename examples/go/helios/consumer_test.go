package helios

import (
	"context"
	"errors"
	"runtime"
	"testing"
)

// unmade is a consumer of nothing, of which the test says when and how it ends.
func unmade() *Consumer {
	return &Consumer{end: &consumerEnd{known: make(chan struct{})}}
}

func TestWaitingForAConsumer(t *testing.T) {
	consumer := unmade()
	ctx, cancel := context.WithCancel(background)
	outcome := make(chan error)
	go func() {
		_, err := consumer.Wait(ctx)
		outcome <- err
	}()
	cancel()
	err := <-outcome
	failure := expect(t, err, Cancelled, "context canceled")
	if !errors.Is(err, context.Canceled) || failure.Operation != "consume" {
		t.Errorf("got %v", err)
	}

	waiting := make(chan *ConsumeReport, 2)
	for i := 0; i < cap(waiting); i++ {
		go func() {
			report, err := consumer.Wait(background)
			if err != nil {
				t.Error(err)
			}
			waiting <- report
		}()
	}
	consumer.end.report = []byte(`{"streamName": "clicks", "ended": "stopped", "received": 7, "shards": []}`)
	close(consumer.end.known)
	reports := []*ConsumeReport{<-waiting, <-waiting}
	// Again, and although the context has ended.
	again, err := consumer.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, report := range append(reports, again) {
		if report.Ended != "stopped" || report.Received != 7 {
			t.Errorf("got %+v", report)
		}
	}
	if reports[0] == reports[1] || reports[1] == again {
		t.Error("a report is shared, and anybody may change theirs")
	}

	consumer = unmade()
	consumer.end.err = &Error{Kind: NotFound}
	close(consumer.end.known)
	for i := 0; i < 2; i++ {
		if _, err := consumer.Wait(background); !errors.Is(err, NotFound) {
			t.Errorf("got %v", err)
		}
	}
}

func TestAConsumerThatIsClosed(t *testing.T) {
	before := runtime.NumGoroutine()
	// A handle that is none is what a closed one is to libhelios, too.
	consumer := newConsumer(nil)
	consumer.Close()
	consumer.Close()
	_, e1 := consumer.Progress()
	_, e2 := consumer.Wait(background)
	for _, err := range []error{consumer.Stop(), e1, e2} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("got %v", err)
		}
	}
	if err := closedIfFreed(&Error{Kind: InvalidHandle}); err != ErrClosed {
		t.Errorf("got %v", err)
	}
	untilAsFew(before)
}
